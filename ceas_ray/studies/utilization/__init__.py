"""The study of Bell-pair schedulers: how much of what is generated is used."""
