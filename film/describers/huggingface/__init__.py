"""What describers with models of their own share: finding and loading them, batches that shrink, and answers.

The models are those of transformers, by their id on the Hugging Face hub or from a folder. Code that lies beside a
model is never run.
"""
