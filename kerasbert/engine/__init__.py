"""What fine-tuning and pre-training share: steps, optimizer, strategy, checkpoints and progress."""
