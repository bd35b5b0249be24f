# The traveller's page and boards in English. One instruction a screen, few words, said to anyone.
# Every file in this folder has the same texts with the same variables; a test compares them.

# Who has read all of it as a native speaker, and when. A file without this term is a draft.
-reviewed = written by the authors, 27 November 2026
# Whose travellers see it first: states in the letters of the MRZ (ICAO 9303-3 §5) of whose official languages only this one has a file.
-issuers = ATG AUS BHS BRB BLZ BWA DMA FJI GBD GBN GBO GBP GBR GBS GHA GMB GRD GUY IRL JAM KEN KNA LBR LCA LSO MLT MWI NAM NGA NZL PHL PNG SLB SLE SSD SWZ TON TTO UGA USA VCT WSM ZAF ZMB ZWE

language-name = English
page-name = Border gate

closed-title = This lane is closed
closed-hint = Please use another lane
welcome-title = Put your passport on the reader
welcome-hint = Open at the photo page, no cover
look-title = Look at the camera
look-hint = Keep your whole face visible
look-offer = An officer can help you
wait-title = One moment, please
wait-hint = Please stay where you are
go-title = Please walk through
go-hint = Take your passport and your bags
officer-title = An officer will help you
officer-hint = Please wait here
other-lane-title = Another lane serves you
other-lane-hint = An officer will show you
emergency-title = Leave the lane now
emergency-hint = Use the nearest way out

guide-come-closer = Come a little closer
guide-step-back = Move back a little
guide-move-left = Move a little to your left
guide-move-right = Move a little to your right
guide-move-up = { guide-step-back }
guide-move-down = Your face a little lower
guide-open-eyes = Open your eyes
guide-close-mouth = Close your mouth
guide-face-forward = Look straight ahead
guide-hold-still = Hold still
guide-one-person = One person at a time
guide-more-light = Turn towards the light

guide-page-open = Show the photo page
guide-page-turn = Turn the document half way round
guide-page-flat = Lay the document flat
guide-page-clear = Take your fingers off the page
guide-page-still = Leave the document still
guide-page-glare = Move it out of the reflection

# Three lines before the camera opens: what, for how long, and the other way. The rest stands behind the code, and on the boards.
notice-what = We read your passport and compare your face with its photo.
notice-kept-days = Pictures are erased { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 } after the check at the latest, results after { $days ->
    [one] { $days } day
   *[other] { $days } days
 }.
notice-kept-open = Pictures are erased { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 } after the check at the latest. Results are kept with no set end.
notice-choice = You may go to an officer instead, free of charge. Complaints: { $contact }
notice-more = All about your data

mark-demo = Demonstration, not a border control
mark-trial = Trial operation
mark-unreviewed = Draft: no native speaker has reviewed it

direction-entry = Arrivals
direction-exit = Departures

step-passport = Passport
step-face = Face
step-walk = Walk
steps-name = The way through the gate
languages-name = Language
larger-text = Larger text
mirror-name = The picture the camera sees

# The boards, and the page behind the code.
board-title = Your data at this gate
board-who-title = Who
board-who = Gate { $gate } is run by { $operator }.
board-what-title = What is taken, and why
board-what = Your passport’s printed lines, the data and the photo in its chip, and a video of your face.
board-why = Only to check that the passport is genuine, valid and yours. Your face is compared with the photo in your passport, and with nobody else’s.
board-why-also = Only to check that the passport is genuine, valid and yours. Your face is compared with the photo in your passport.
board-looked-up = Your document, never your face, is looked up in lists and registers, as the law has it.
board-decides = The gate opens or calls an officer. It never turns anybody away.
board-kept-title = How long
board-pictures = Pictures and passport data stay in memory and are erased when your crossing ends.
board-referral = When an officer is called, an encrypted copy stays in memory until the officer has decided, { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 } at most.
board-remembered = After that, what your face and the chip’s photo come to in numbers stays in memory (up to { $remembered } min), so that nobody comes with another’s passport. It is held only against those referred at this lane in that time.
board-reuse = For up to { $reuse } min a number made of your passport’s chip stays in memory with gate and time, so that it shows when the same passport comes to another gate here. Then it is erased. Without the passport nobody can tell whose it is, so nobody can be shown it.
board-results-days = The results of the checks stay in a sealed log for { $days ->
    [one] { $days } day
   *[other] { $days } days
 }: the time, what was checked, the document’s type, state and dates, the nationality. No name, no number, no picture.
board-results-open = The results of the checks stay in a sealed log with no set end: the time, what was checked, the document’s type, state and dates, the nationality. No name, no number, no picture.
board-readers = { $auditors ->
    [one] One auditor holds a key to it. Nobody at the gate can read it.
   *[other] { $auditors } auditors hold a key to it. Nobody at the gate can read it.
 }
board-central = A copy, sealed in the same way, goes to the operator’s central server.
board-choice-title = You have a choice
board-choice = You may go to an officer’s lane instead. It costs nothing.
board-ask-title = Questions and complaints
board-ask = Ask what is kept about you, have it corrected, or complain: { $contact }
board-more = This notice in every language: { $address }
board-version = Version { $version }
# What can be asked for on every screen. The sign for help and protection has no words; its name is for screen readers alone.
ask-officer = Go to an officer
ask-more-time = More time
ask-protection = I need help or protection
