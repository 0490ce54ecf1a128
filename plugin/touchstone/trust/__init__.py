"""How far a judge, a person or a label can be trusted: measured on golden outputs, certified, audited."""
