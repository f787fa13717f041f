"""What the estate of the tests has of each service: a module a service, with `fill(account, region)`."""
