"""Local pages for people: outputs to rate (`desk`, `app`), new rows to review (`pile`, `review`).

`desk` and `pile` know no HTTP; both pages stand on `shell`, `sent`, `guard` (who may ask) and `serving` (the socket).
"""
