"""What the served model takes and answers, as an OpenAPI document and as a page. Imported when asked for."""
