# The traveller's page and boards in French.

-issuers = BEN BFA CAF CIV COD COG FRA GAB GIN HTI MCO MDG MLI NER SEN TGO

language-name = Français
page-name = Sas de contrôle aux frontières

closed-title = Ce sas est fermé
closed-hint = Merci d’utiliser un autre sas
welcome-title = Posez le passeport sur le lecteur
welcome-hint = Ouvert à la page photo, sans étui
look-title = Regardez la caméra
look-hint = Gardez tout le visage visible
look-offer = Un agent peut vous aider
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
guide-move-left = Un peu plus à gauche
guide-move-right = Un peu plus à droite
guide-move-up = { guide-step-back }
guide-move-down = Le visage un peu plus bas
guide-open-eyes = Ouvrez les yeux
guide-close-mouth = Fermez la bouche
guide-face-forward = Regardez droit devant vous
guide-hold-still = Ne bougez plus
guide-one-person = Une personne à la fois
guide-more-light = Tournez-vous vers la lumière

guide-page-open = Montrez la page photo
guide-page-turn = Tournez le document d’un demi-tour
guide-page-flat = Posez le document bien à plat
guide-page-clear = Ne couvrez pas la page
guide-page-still = Laissez le document immobile
guide-page-glare = Éloignez le document du reflet

notice-what = Nous lisons votre passeport et comparons votre visage à sa photo.
notice-kept-days = Les images sont effacées au plus tard { $minutes ->
    [one] { $minutes } minute
    [many] { $minutes } minutes
   *[other] { $minutes } minutes
 } après le contrôle, les résultats après { $days ->
    [one] { $days } jour
    [many] { $days } jours
   *[other] { $days } jours
 }.
notice-kept-open = Les images sont effacées au plus tard { $minutes ->
    [one] { $minutes } minute
    [many] { $minutes } minutes
   *[other] { $minutes } minutes
 } après le contrôle. Les résultats sont conservés sans limite fixée.
notice-choice = Vous pouvez voir un agent à la place, gratuitement. Réclamations : { $contact }
notice-more = Tout sur vos données

mark-demo = Démonstration, pas un contrôle réel
mark-trial = Exploitation d’essai
mark-unreviewed = Ébauche : texte non relu par un locuteur natif

direction-entry = Arrivées
direction-exit = Départs

step-passport = Passeport
step-face = Visage
step-walk = Passage
steps-name = Les étapes du passage
languages-name = Langue
larger-text = Texte plus grand
mirror-name = L’image vue par la caméra

board-title = Vos données à ce sas
board-who-title = Qui
board-who = Le sas { $gate } est exploité par { $operator }.
board-what-title = Ce qui est relevé, et pourquoi
board-what = Les lignes imprimées de votre passeport, les données et la photo de sa puce, et une vidéo de votre visage.
board-why = Seulement pour vérifier que le passeport est authentique, valable et le vôtre. Votre visage est comparé à la photo de votre passeport, et à celle de personne d’autre.
board-why-also = Seulement pour vérifier que le passeport est authentique, valable et le vôtre. Votre visage est comparé à la photo de votre passeport.
board-looked-up = Votre document, jamais votre visage, est recherché dans des listes et des registres, comme la loi le prévoit.
board-decides = Le sas s’ouvre ou appelle un agent. Il ne renvoie jamais personne.
board-kept-title = Combien de temps
board-pictures = Les images et les données du passeport restent en mémoire et sont effacées à la fin de votre passage.
board-referral = Si un agent est appelé, une copie chiffrée reste en mémoire jusqu’à sa décision, { $minutes ->
    [one] { $minutes } minute
    [many] { $minutes } minutes
   *[other] { $minutes } minutes
 } au plus.
board-remembered = Ensuite, ce que votre visage et la photo de la puce donnent en chiffres reste en mémoire (jusqu’à { $remembered } min), pour que personne ne vienne avec le passeport d’un autre. La comparaison ne porte que sur les personnes adressées à un agent à ce sas pendant ce temps.
board-reuse = Pendant { $reuse } min au plus, un nombre tiré de la puce de votre passeport reste en mémoire avec le sas et l’heure, pour que l’on voie si le même passeport se présente ici à un autre sas. Il est ensuite effacé. Sans le passeport, personne ne sait à qui il se rapporte ; il ne peut donc être montré à personne.
board-results-days = Les résultats des contrôles restent dans un journal scellé pendant { $days ->
    [one] { $days } jour
    [many] { $days } jours
   *[other] { $days } jours
 } : l’heure, ce qui a été contrôlé, le type, l’État et les dates du document, la nationalité. Ni nom, ni numéro, ni image.
board-results-open = Les résultats des contrôles restent dans un journal scellé sans limite fixée : l’heure, ce qui a été contrôlé, le type, l’État et les dates du document, la nationalité. Ni nom, ni numéro, ni image.
board-readers = { $auditors ->
    [one] { $auditors } auditeur en détient la clé. Personne au sas ne peut le lire.
    [many] { $auditors } auditeurs en détiennent une clé. Personne au sas ne peut le lire.
   *[other] { $auditors } auditeurs en détiennent une clé. Personne au sas ne peut le lire.
 }
board-central = Une copie, scellée de la même façon, va au serveur central de l’exploitant.
board-choice-title = Vous avez le choix
board-choice = Vous pouvez passer par le guichet d’un agent. C’est gratuit.
board-ask-title = Questions et réclamations
board-ask = Demander ce qui est conservé sur vous, le faire corriger, ou réclamer : { $contact }
board-more = Cet avis dans toutes les langues : { $address }
board-version = Version { $version }
ask-officer = Voir un agent
ask-more-time = Plus de temps
ask-protection = J’ai besoin d’aide ou de protection
