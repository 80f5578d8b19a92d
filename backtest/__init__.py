"""How well the forecast would have done: generated issuers, a year each, against what PromQL can say."""
