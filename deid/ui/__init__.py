"""The web pages' machinery: who may come in, what a browser may fetch, how things look."""
