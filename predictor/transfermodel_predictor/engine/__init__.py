"""How the samples of many requests become predictions; it knows neither HTTP nor a protocol."""
