"""Labs of glue programs: the channel to one, its frames, what its replies come to."""
