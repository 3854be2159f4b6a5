"""The subcommands that are no commands of the API: one file each."""
