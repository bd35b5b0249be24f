# The traveller's page and boards in German.

-issuers = AUT D LIE

language-name = Deutsch
page-name = Automatische Grenzkontrolle

closed-title = Diese Spur ist geschlossen
closed-hint = Bitte eine andere Spur benutzen
welcome-title = Pass auf das Lesegerät legen
welcome-hint = Fotoseite aufgeschlagen, ohne Hülle
look-title = In die Kamera schauen
look-hint = Das ganze Gesicht zeigen
look-offer = Das Kontrollpersonal kann helfen
wait-title = Einen Moment, bitte
wait-hint = Bitte hier bleiben
go-title = Bitte durchgehen
go-hint = Pass und Gepäck mitnehmen
officer-title = Das Kontrollpersonal hilft Ihnen
officer-hint = Bitte hier warten
other-lane-title = Für Sie gilt eine andere Spur
other-lane-hint = Das Kontrollpersonal zeigt sie Ihnen
emergency-title = Spur jetzt verlassen
emergency-hint = Nächsten Ausgang benutzen

guide-come-closer = Etwas näher kommen
guide-step-back = Etwas zurückgehen
guide-move-left = Etwas nach links
guide-move-right = Etwas nach rechts
guide-move-up = { guide-step-back }
guide-move-down = Gesicht etwas tiefer
guide-open-eyes = Augen öffnen
guide-close-mouth = Mund schließen
guide-face-forward = Geradeaus schauen
guide-hold-still = Still halten
guide-one-person = Immer nur eine Person
guide-more-light = Zum Licht drehen

guide-page-open = Fotoseite zeigen
guide-page-turn = Dokument um 180 Grad drehen
guide-page-flat = Dokument flach hinlegen
guide-page-clear = Finger von der Seite nehmen
guide-page-still = Dokument ruhig liegen lassen
guide-page-glare = Dokument aus der Spiegelung schieben

notice-what = Wir lesen Ihren Pass und vergleichen Ihr Gesicht mit dessen Foto.
notice-kept-days = Bilder werden spätestens { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
 } nach der Kontrolle gelöscht, Ergebnisse nach { $days ->
    [one] { $days } Tag
   *[other] { $days } Tagen
 }.
notice-kept-open = Bilder werden spätestens { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
 } nach der Kontrolle gelöscht. Ergebnisse werden ohne festes Ende aufbewahrt.
notice-choice = Sie können stattdessen kostenlos zum Kontrollpersonal gehen. Beschwerden: { $contact }
notice-more = Alles über Ihre Daten

mark-demo = Vorführung, keine Grenzkontrolle
mark-trial = Probebetrieb
mark-unreviewed = Entwurf: von niemandem mit dieser Muttersprache geprüft

direction-entry = Einreise
direction-exit = Ausreise

step-passport = Pass
step-face = Gesicht
step-walk = Durchgang
steps-name = Der Weg durch die Kontrolle
languages-name = Sprache
larger-text = Größere Schrift
mirror-name = Das Bild, das die Kamera sieht

board-title = Ihre Daten an dieser Kontrolle
board-who-title = Wer
board-who = Die Kontrolle { $gate } wird betrieben von { $operator }.
board-what-title = Was erfasst wird, und wozu
board-what = Die gedruckten Zeilen Ihres Passes, die Daten und das Foto in seinem Chip und ein Video Ihres Gesichts.
board-why = Nur um zu prüfen, ob der Pass echt und gültig ist und Ihnen gehört. Ihr Gesicht wird mit dem Foto in Ihrem Pass verglichen und mit keinem anderen.
board-why-also = Nur um zu prüfen, ob der Pass echt und gültig ist und Ihnen gehört. Ihr Gesicht wird mit dem Foto in Ihrem Pass verglichen.
board-looked-up = Ihr Dokument, nie Ihr Gesicht, wird in Listen und Registern nachgeschlagen, wie das Gesetz es vorsieht.
board-decides = Die Anlage öffnet oder ruft das Kontrollpersonal. Sie weist niemanden zurück.
board-kept-title = Wie lange
board-pictures = Bilder und Passdaten bleiben im Arbeitsspeicher und werden gelöscht, wenn Ihr Durchgang endet.
board-referral = Wird das Kontrollpersonal gerufen, bleibt eine verschlüsselte Kopie bis zu dessen Entscheidung im Arbeitsspeicher, höchstens { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
 }.
board-remembered = Danach bleibt im Speicher (bis zu { $remembered } min), was Ihr Gesicht und das Foto im Chip in Zahlen ergeben, damit niemand mit dem Pass eines anderen kommt. Verglichen wird nur mit denen, die in dieser Zeit an dieser Kontrolle an Beamte verwiesen wurden.
board-reuse = Bis zu { $reuse } min bleibt eine aus dem Chip Ihres Passes gebildete Zahl mit Ort und Uhrzeit im Speicher, damit auffällt, wenn derselbe Pass hier an eine andere Kontrolle kommt. Danach wird sie gelöscht. Ohne den Pass weiß niemand, zu wem sie gehört; daher kann sie niemandem gezeigt werden.
board-results-days = Die Ergebnisse der Prüfungen bleiben { $days ->
    [one] { $days } Tag
   *[other] { $days } Tage
 } in einem versiegelten Protokoll: die Zeit, was geprüft wurde, Art, Staat und Daten des Dokuments, die Staatsangehörigkeit. Kein Name, keine Nummer, kein Bild.
board-results-open = Die Ergebnisse der Prüfungen bleiben ohne festes Ende in einem versiegelten Protokoll: die Zeit, was geprüft wurde, Art, Staat und Daten des Dokuments, die Staatsangehörigkeit. Kein Name, keine Nummer, kein Bild.
board-readers = { $auditors ->
    [one] { $auditors } Prüfstelle hat einen Schlüssel dazu. An der Kontrolle kann es niemand lesen.
   *[other] { $auditors } Prüfstellen haben einen Schlüssel dazu. An der Kontrolle kann es niemand lesen.
 }
board-central = Eine ebenso versiegelte Kopie geht an den zentralen Server des Betreibers.
board-choice-title = Sie haben die Wahl
board-choice = Sie können stattdessen zum Schalter des Kontrollpersonals gehen. Das kostet nichts.
board-ask-title = Fragen und Beschwerden
board-ask = Auskunft, Berichtigung oder Beschwerde: { $contact }
board-more = Dieser Hinweis in allen Sprachen: { $address }
board-version = Fassung { $version }

ask-officer = Zum Kontrollpersonal
ask-more-time = Mehr Zeit
ask-protection = Ich brauche Hilfe oder Schutz
