# The traveller's page and boards in Spanish.

-issuers = ARG BOL CHL COL CRI CUB DOM ECU ESP GTM HND MEX NIC PAN PER PRY SLV URY VEN

language-name = Español
page-name = Puerta de control fronterizo

closed-title = Este carril está cerrado
closed-hint = Use otro carril, por favor
welcome-title = Coloque el pasaporte en el lector
welcome-hint = Abierto por la foto, sin funda
look-title = Mire a la cámara
look-hint = Mantenga visible toda la cara
look-offer = Un agente puede ayudarle
wait-title = Un momento, por favor
wait-hint = Quédese donde está, por favor
go-title = Pase, por favor
go-hint = Recoja su pasaporte y su equipaje
officer-title = Un agente le ayudará
officer-hint = Espere aquí, por favor
other-lane-title = Le corresponde otro carril
other-lane-hint = Un agente se lo indicará
emergency-title = Salga del carril ahora
emergency-hint = Use la salida más cercana

guide-come-closer = Acérquese un poco
guide-step-back = Retroceda un poco
guide-move-left = Un poco a su izquierda
guide-move-right = Un poco a su derecha
guide-move-up = { guide-step-back }
guide-move-down = La cara un poco más abajo
guide-open-eyes = Abra los ojos
guide-close-mouth = Cierre la boca
guide-face-forward = Mire al frente
guide-hold-still = No se mueva
guide-one-person = Una persona a la vez
guide-more-light = Gírese hacia la luz

guide-page-open = Muestre la página de la foto
guide-page-turn = Gire el documento media vuelta
guide-page-flat = Coloque el documento plano
guide-page-clear = Retire los dedos de la página
guide-page-still = Deje quieto el documento
guide-page-glare = Aleje el documento del reflejo

notice-what = Leemos su pasaporte y comparamos su cara con la foto.
notice-kept-days = Las imágenes se borran como máximo { $minutes ->
    [one] { $minutes } minuto
    [many] { $minutes } minutos
   *[other] { $minutes } minutos
 } después del control; los resultados, a { $days ->
    [one] { $days } día
    [many] los { $days } días
   *[other] los { $days } días
 }.
notice-kept-open = Las imágenes se borran como máximo { $minutes ->
    [one] { $minutes } minuto
    [many] { $minutes } minutos
   *[other] { $minutes } minutos
 } después del control. Los resultados se conservan sin plazo fijado.
notice-choice = Puede acudir a un agente, gratis. Reclamaciones: { $contact }
notice-more = Todo sobre sus datos

mark-demo = Demostración, no es un control real
mark-trial = Funcionamiento de prueba
mark-unreviewed = Borrador: sin revisión de un hablante nativo

direction-entry = Llegadas
direction-exit = Salidas

step-passport = Pasaporte
step-face = Cara
step-walk = Paso
steps-name = Los pasos del control
languages-name = Idioma
larger-text = Texto más grande
mirror-name = La imagen que ve la cámara

board-title = Sus datos en esta puerta
board-who-title = Quién
board-who = La puerta { $gate } está a cargo de { $operator }.
board-what-title = Qué se toma, y para qué
board-what = Las líneas impresas de su pasaporte, los datos y la foto de su chip, y un vídeo de su cara.
board-why = Solo para comprobar que el pasaporte es auténtico, válido y suyo. Su cara se compara con la foto de su pasaporte, y con la de nadie más.
board-why-also = Solo para comprobar que el pasaporte es auténtico, válido y suyo. Su cara se compara con la foto de su pasaporte.
board-looked-up = Su documento, nunca su cara, se consulta en listas y registros, como dispone la ley.
board-decides = La puerta se abre o llama a un agente. Nunca rechaza a nadie.
board-kept-title = Cuánto tiempo
board-pictures = Las imágenes y los datos del pasaporte quedan en memoria y se borran cuando termina su paso.
board-referral = Si se llama a un agente, una copia cifrada queda en memoria hasta que el agente decide, como máximo { $minutes ->
    [one] { $minutes } minuto
    [many] { $minutes } minutos
   *[other] { $minutes } minutos
 }.
board-remembered = Después, lo que su cara y la foto del chip dan en números queda en la memoria (hasta { $remembered } min), para que nadie venga con el pasaporte de otro. Solo se compara con quienes en ese tiempo pasaron a un agente en esta puerta.
board-reuse = Durante { $reuse } min como máximo, un número sacado del chip de su pasaporte queda en la memoria con la puerta y la hora, para que se note si el mismo pasaporte llega aquí a otra puerta. Después se borra. Sin el pasaporte nadie sabe de quién es, y por eso no se puede mostrar a nadie.
board-results-days = Los resultados de las comprobaciones quedan en un registro sellado { $days ->
    [one] { $days } día
    [many] { $days } días
   *[other] { $days } días
 }: la hora, lo comprobado, el tipo, el Estado y las fechas del documento, la nacionalidad. Ni nombre, ni número, ni imagen.
board-results-open = Los resultados de las comprobaciones quedan en un registro sellado sin plazo fijado: la hora, lo comprobado, el tipo, el Estado y las fechas del documento, la nacionalidad. Ni nombre, ni número, ni imagen.
board-readers = { $auditors ->
    [one] { $auditors } auditor tiene una clave. Nadie en la puerta puede leerlo.
    [many] { $auditors } auditores tienen una clave. Nadie en la puerta puede leerlo.
   *[other] { $auditors } auditores tienen una clave. Nadie en la puerta puede leerlo.
 }
board-central = Una copia, sellada del mismo modo, va al servidor central del operador.
board-choice-title = Usted puede elegir
board-choice = Puede ir al mostrador de un agente. No cuesta nada.
board-ask-title = Preguntas y reclamaciones
board-ask = Preguntar qué se conserva sobre usted, corregirlo o reclamar: { $contact }
board-more = Este aviso en todos los idiomas: { $address }
board-version = Versión { $version }

ask-officer = Ir a un agente
ask-more-time = Más tiempo
ask-protection = Necesito ayuda o protección
