# The traveller's page in French.

language-name = Français
page-name = Sas de contrôle aux frontières

closed-title = Ce sas est fermé
closed-hint = Merci d’utiliser un autre sas
welcome-title = Posez le passeport sur le lecteur
welcome-hint = Ouvert à la page photo, sans étui
look-title = Regardez la caméra
look-hint = Gardez tout le visage visible
wait-title = Un instant, s’il vous plaît
wait-hint = Merci de rester sur place
go-title = Vous pouvez avancer
go-hint = Prenez votre passeport et vos bagages
officer-title = Un agent va vous aider
officer-hint = Merci d’attendre ici
other-lane-title = Un autre sas vous est destiné
other-lane-hint = Un agent va vous l’indiquer
emergency-title = Quittez le sas maintenant
emergency-hint = Prenez la sortie la plus proche

guide-come-closer = Approchez-vous un peu
guide-step-back = Reculez un peu
guide-move-left = Déplacez-vous un peu à gauche
guide-move-right = Déplacez-vous un peu à droite
guide-move-up = Redressez-vous un peu
guide-move-down = Baissez-vous un peu
guide-open-eyes = Ouvrez les yeux
guide-close-mouth = Fermez la bouche
guide-face-forward = Regardez droit devant vous
guide-hold-still = Ne bougez plus
guide-one-person = Une seule personne
guide-more-light = Tournez-vous vers la lumière

guide-page-open = Montrez la page photo
guide-page-turn = Retournez le document
guide-page-flat = Posez le document bien à plat
guide-page-clear = Ne couvrez pas la page
guide-page-still = Laissez le document immobile
guide-page-glare = Déplacez le document, la lumière éblouit

notice-what = Nous lisons la puce de votre passeport et regardons votre visage.
notice-why = Seulement pour vérifier que le passeport est le vôtre.
notice-how-long = Vos images sont effacées après votre départ.
notice-choice = Vous pouvez aussi voir un agent, gratuitement.
notice-who = Exploité par { $operator }

mark-demo = Démonstration, pas un contrôle réel
mark-trial = Exploitation d’essai

direction-entry = Arrivées
direction-exit = Départs

step-passport = Passeport
step-face = Visage
step-walk = Passage
steps-name = Les étapes du passage
languages-name = Langue
mirror-name = L’image vue par la caméra
