# The traveller's page in English. One instruction a screen, few words, said to anyone.
# Every file in this folder has the same texts with the same variables; a test compares them.

language-name = English
page-name = Border gate

closed-title = This lane is closed
closed-hint = Please use another lane
welcome-title = Put your passport on the reader
welcome-hint = Open at the photo page, no cover
look-title = Look at the camera
look-hint = Keep your whole face visible
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
guide-step-back = Step back a little
guide-move-left = Move a little to your left
guide-move-right = Move a little to your right
guide-move-up = Move up a little
guide-move-down = Move down a little
guide-open-eyes = Open your eyes
guide-close-mouth = Close your mouth
guide-face-forward = Look straight ahead
guide-hold-still = Hold still
guide-one-person = One person only
guide-more-light = Turn towards the light

guide-page-open = Show the photo page
guide-page-turn = Turn the document round
guide-page-flat = Lay the document flat
guide-page-clear = Take your fingers off the page
guide-page-still = Leave the document still
guide-page-glare = Move it out of the glare

# What is taken, what for, for how long, and the other way.
notice-what = We read your passport’s chip and look at your face.
notice-why = Only to check that the passport is yours.
notice-how-long = Your pictures are erased when you have left.
notice-choice = You may go to an officer instead, free of charge.
notice-who = Run by { $operator }

mark-demo = Demonstration, not a border control
mark-trial = Trial operation

direction-entry = Arrivals
direction-exit = Departures

step-passport = Passport
step-face = Face
step-walk = Walk
steps-name = The way through the gate
languages-name = Language
mirror-name = The picture the camera sees
