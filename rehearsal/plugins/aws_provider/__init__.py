"""A stand-in for pulumi-resource-aws: its resource types over boto3, against an AWS stand-in."""
