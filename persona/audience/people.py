"""Who is in an audience: names from many countries, interests, time zones, habits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from persona.digest import rng_of
from persona.network import Account

_COUNTRIES: tuple[tuple[str, str, str], ...] = (
    ("America/New_York", "Denise Marcus Kayla Theo Renee Walt", "Okafor Brandt Delgado Pruitt"),
    ("America/Chicago", "Tasha Dale Monique Greg Joelle Hank", "Lindgren Vaughn Castillo Meeks"),
    ("America/Los_Angeles", "Priya Jonah Mei Skyler Rosa Dev", "Nguyen Hartley Sandoval Cho"),
    ("America/Toronto", "Amelie Gurpreet Nora Luc Fatima Wes", "Tremblay Gill McInnis Baptiste"),
    ("America/Mexico_City", "Ximena Rodrigo Paola Memo Lupita Iker", "Barrera Quiroz Zamora Luna"),
    ("America/Sao_Paulo", "Thaís Caio Bia Rafael Júlia Davi", "Moreira Teixeira Pires Camargo"),
    ("America/Bogota", "Valentina Andrés Manuela Nico Sara Jairo", "Ospina Rincón Cárdenas Mejía"),
    ("America/Argentina/Buenos_Aires", "Malena Facundo Lola Bruno Agustina Teo", "Ferreyra Sosa Ledesma Paz"),
    ("Europe/London", "Gemma Callum Aisha Nigel Bronwen Tariq", "Whitlock Begum Ashworth Doyle"),
    ("Europe/Dublin", "Aoife Cian Niamh Declan Orla Fergus", "Brennan Keane Tierney Walsh"),
    ("Europe/Paris", "Camille Hugo Inès Bastien Maëlle Karim", "Lefort Garnier Diallo Roussel"),
    ("Europe/Berlin", "Lena Jonas Mareike Emre Svenja Till", "Brückner Yildiz Kessler Vogt"),
    ("Europe/Amsterdam", "Sanne Bram Fleur Joost Noor Daan", "Hoekstra Visser Mulder Bakker"),
    ("Europe/Madrid", "Lucía Álvaro Nerea Pau Irene Gonzalo", "Ibarra Campos Ferrer Vidal"),
    ("Europe/Lisbon", "Matilde Tomás Inês Duarte Leonor Rui", "Carvalho Neves Pinto Matos"),
    ("Europe/Rome", "Giulia Matteo Chiara Sandro Elisa Dario", "Marchetti Galli Conte Serra"),
    ("Europe/Warsaw", "Zosia Kuba Hania Marek Ola Wojtek", "Wrona Lis Zawada Kania"),
    ("Europe/Stockholm", "Elin Axel Saga Nils Tuva Oskar", "Sandell Nyberg Holm Ek"),
    ("Europe/Istanbul", "Elif Kerem Zeynep Can Defne Ozan", "Aksoy Demirci Polat Korkmaz"),
    ("Africa/Lagos", "Chiamaka Tunde Ngozi Seun Bisi Emeka", "Adeyemi Nwosu Balogun Eze"),
    ("Africa/Nairobi", "Wanjiru Otieno Achieng Kamau Njeri Brian", "Mwangi Odhiambo Kiptoo Wafula"),
    ("Africa/Johannesburg", "Lerato Sipho Anika Thabo Nomsa Pieter", "Dlamini Naidoo Botha Mokoena"),
    ("Asia/Dubai", "Hessa Omar Layla Yusuf Rania Faris", "Haddad Mansour Saleh Nasser"),
    ("Asia/Kolkata", "Ananya Rohan Kavya Arjun Meera Vikram", "Iyer Bose Kulkarni Menon"),
    ("Asia/Singapore", "Hui Wei Siti Jun Farah Ming", "Tan Rahman Lim Goh"),
    ("Asia/Manila", "Bea Paolo Trixie Jericho Ligaya Marco", "Santos Villanueva Reyes Cruz"),
    ("Asia/Tokyo", "Haruka Kenji Mio Daichi Yui Sho", "Tanabe Ogawa Mori Ishii"),
    ("Asia/Seoul", "Jiwoo Minho Soyeon Taehyun Hana Jisoo", "Han Seo Baek Yoon"),
    ("Australia/Sydney", "Tahlia Lachlan Imogen Bazza Mei Finn", "Carmody Petrou Hollis Wren"),
    ("Pacific/Auckland", "Aroha Liam Hana Wiremu Isla Jack", "Ngata Fraser Tipene Boyd"),
)
_OTHER_INTERESTS = (
    "football", "thrift shops", "horror films", "crosswords", "gardening", "old cars", "k-pop", "knitting", "chess",
    "camping", "baking bread", "street photography", "board games", "birdwatching", "yoga", "true crime", "cats",
    "dogs", "houseplants", "podcasts", "swimming", "history", "tattoos", "model trains", "poetry", "coffee", "vinyl",
    "fishing", "nail art", "space",
)  # fmt: skip
_TAGS = ("reads", "eats", "makes", "outside", "knits", "says", "abroad", "at_home", "again", "daily")


@dataclass(frozen=True, kw_only=True)
class Person:
    """One member. `activity` is how much more than average; `shift` moves their day by hours.

    The rest is how they type: all in lower case, without full stops, with an emoji of their own.
    """

    account: Account
    activity: float
    shift: int
    lower: bool
    bare: bool
    emoji: str

    @property
    def handle(self) -> str:
        return self.account.handle


def _plain(name: str) -> str:
    letters = str.maketrans("áâãäåæçèéêëíîïñóôõöøúûüğışł", "aaaaaaceeeeiiinooooouuugisl")
    return "".join(c for c in name.lower().translate(letters) if c.isascii() and c.isalnum())


def _handle(rng: Random, first: str, last: str) -> str:
    first, last = _plain(first), _plain(last)
    forms = (
        f"{first}_{last}",
        f"{first}{last[0]}{rng.randint(2, 99)}",
        f"{first}_{rng.choice(_TAGS)}",
        f"{first[0]}_{last}",
        f"{first}{rng.randint(1961, 2007)}",
        f"its_{first}",
        f"{last}_{first[0]}{rng.randint(1, 9)}",
    )
    return rng.choice(forms)[:30]


def make_people(seed: int, size: int, topics: Sequence[Sequence[str]], taken: Collection[str]) -> list[Person]:
    """Return `size` people by handle, a function of the arguments alone; no handle is in `taken`.

    Each likes one to three topics of one or two personas, and some things that no persona speaks of.
    """
    people: dict[str, Person] = {}
    for place in range(size):
        rng = rng_of(seed, "person", place)
        zone, firsts, lasts = rng.choice(_COUNTRIES)
        first, last = rng.choice(firsts.split()), rng.choice(lasts.split())
        handle = _handle(rng, first, last)
        while handle in taken or handle in people:
            handle = f"{handle[:26]}_{rng.randint(1, 999)}"
        liked: list[str] = []
        for persona in rng.sample(topics, min(len(topics), rng.choice((1, 1, 2)))):
            liked += rng.sample(persona, min(len(persona), rng.randint(1, 3)))
        liked += rng.sample(_OTHER_INTERESTS, rng.randint(1, 3))
        interests = tuple(dict.fromkeys(liked))
        bio = rng.choice(("", f"{interests[-1]}, mostly", f"{interests[0]} and {interests[-1]}", "just looking around"))
        account = Account(
            handle=handle,
            name=rng.choice((f"{first} {last}", first, first.lower(), f"{first} {last[0]}.")),
            bio=bio,
            time_zone=zone,
            interests=interests,
        )
        people[handle] = Person(
            account=account,
            activity=rng.gammavariate(1.6, 1 / 1.6),
            shift=rng.randint(-2, 2),
            lower=rng.random() < 0.5,
            bare=rng.random() < 0.6,
            emoji=rng.choice(("😂", "❤️", "🙏", "😭", "✨", "👏", "🙌", "😅")) if rng.random() < 0.3 else "",
        )
    return [people[h] for h in sorted(people)]
