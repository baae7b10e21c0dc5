"""Training: the project's own recipe, and fine-tuning of writers and of the embedding model on a user's texts."""
