"""The local page on which people rate golden outputs: `desk` (what is rated), `app` (the pages), `guard` (who may ask),
`serving` (the socket)."""
