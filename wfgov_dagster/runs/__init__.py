"""Dagster's runs, asked for from outside Dagster: by the webserver where one answers, else in a child process."""
