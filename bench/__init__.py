"""What the monitor costs, beside a floor and what others take, all in one run."""
