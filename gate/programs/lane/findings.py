"""What was found about a traveller who waits, for officers: from the evidence of the decision, which holds nothing personal."""

from __future__ import annotations

from gate.channel import messages
from gate.passage.policy import Policy
from gate_core.evidence.evidence import Evidence, FaceEvidence, PageCheck, Score

CLAUSE_CHARACTERS_MAX = 128


def findings_of(evidence: Evidence, policy: Policy) -> messages.Findings:
    """The checks of document and page, how the chip was opened, and the face's numbers beside their bounds."""
    document, face = evidence.document, evidence.face
    page = None if document is None else document.page
    return messages.Findings(
        checks=[
            messages.CheckFound(one.id, one.result, messages.words(one.reason), one.clause[:CLAUSE_CHARACTERS_MAX])
            for one in (() if document is None else document.checks)
        ],
        page_checks=[
            _page_finding(one)
            for one in (*(() if page is None else page.checks), *(() if face is None else face.page_checks))
        ],
        access=None if document is None or document.access is None else document.access.protocol,
        face_score=_value(None if face is None else face.match),
        face_threshold=policy.face_match_min.value,
        liveness=_value(None if face is None else face.liveness),
        liveness_bound=policy.liveness_min.value,
        quality=[] if face is None else _quality(face),
    )


def _page_finding(check: PageCheck) -> messages.PageFinding:
    return messages.PageFinding(check.id, check.result, check.measured, check.false_alarm_rate, check.measured_on)


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _quality(face: FaceEvidence) -> list[str]:
    """What may have made the numbers of the face worse than the face is."""
    found = {
        "no_face": face.faces == 0,
        "several_faces": face.faces > 1,
        "portrait_unusable": face.portrait_usable is False,
        "track_lost": face.match is not None and not face.track_held,
    }
    return [word for word, is_so in found.items() if is_so] + [trouble.value for trouble in face.trouble]
