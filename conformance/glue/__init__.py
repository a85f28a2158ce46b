"""What glue programs stand on, and the glues of the stacks that are shipped."""
