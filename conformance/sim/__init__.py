"""Virtual time: a conversation and the reference TCP, with a network between them."""
