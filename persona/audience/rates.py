"""How lively an audience is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Means over many posts; a single post gets anything from a third to nearly twice as much."""

    likes_per_post: float = 16.0
    comments_per_post: float = 2.5
    reach_hours: float = 5.0
    """after so many hours a post has got two thirds of what it will get"""
    follow_after_like: float = 0.16
    boost_after_like: float = 0.04
    unfollow_per_day: float = 0.008
    answer_back: float = 0.35
    """how many of those who were answered write again in the thread"""
    come_back: float = 0.45
    """how many comments of someone who has been heard before take up what they said then"""
