"""BERT text classification with Keras, from labelled text to TensorFlow Serving."""

__version__ = "0.1.0"
