"""The written rules of the demo's site: one of each kind that a traveller of the demo can meet (docs/rules.md shows the same)."""

from __future__ import annotations

from typing import Final

TEXT: Final = """\
schema = 1
version = "demo-1"

[rules.twelve-and-older]
effect = "eligible"
title = "Twelve and older, with a passport or an identity card"
basis = "Order 1 of the demo's border police, Article 2"
author = "N. N., head of the demo's border police"
from = 2026-01-01
to = 2099-12-31
when.all = [{ document_type = ["P", "I", "A", "C"] }, { age_from = 12 }]

[rules.young-people]
effect = "officer"
title = "An officer sees whoever is under eighteen"
basis = "Order 1 of the demo's border police, Article 3"
author = "N. N., head of the demo's border police"
from = 2026-01-01
to = 2099-12-31
instructions = "Ask whom they travel with, and see that person too."
when = { age_below = 18 }

[rules.allowances]
effect = "customs"
title = "Under seventeen there is no allowance for tobacco and alcohol"
basis = "Order 2 of the demo's customs, Article 1"
author = "N. N., head of the demo's customs"
from = 2026-01-01
to = 2099-12-31
instructions = "Show them the way to the red channel; they may say that they carry neither."
when.all = [{ age_from = 12 }, { age_below = 17 }]

[rules.old-photographs]
effect = "threshold"
title = "From eighty on a face must be very like the photograph"
basis = "Order 1 of the demo's border police, Article 6"
author = "N. N., head of the demo's border police"
from = 2026-01-01
to = 2099-12-31
face_match_min = 0.9999
when = { age_from = 80 }

[rules.no-exit]
effect = "closed"
title = "Nobody leaves the country by this lane"
basis = "Order 1 of the demo's border police, Article 8"
author = "N. N., head of the demo's border police"
from = 2026-01-01
to = 2099-12-31
when = { direction = "exit" }

[rules.closing-days]
effect = "closed"
title = "The last night of the demo"
basis = "Order 1 of the demo's border police, Article 9"
author = "N. N., head of the demo's border police"
from = 2099-12-31
to = 2099-12-31
when.hours = { from = 22:00:00, to = 06:00:00 }
"""
