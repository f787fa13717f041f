"""What follows from several resources of an AWS account together."""
