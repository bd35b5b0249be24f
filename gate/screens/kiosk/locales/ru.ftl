# The traveller's page and boards in Russian.

-issuers = BLR KAZ KGZ RUS

language-name = Русский
page-name = Автоматический пограничный контроль

closed-title = Этот проход закрыт
closed-hint = Пройдите к другому проходу
welcome-title = Положите паспорт на считыватель
welcome-hint = Откройте страницу с фото, без обложки
look-title = Посмотрите в камеру
look-hint = Лицо должно быть видно полностью
look-offer = Сотрудник может вам помочь
wait-title = Одну минуту, пожалуйста
wait-hint = Пожалуйста, оставайтесь на месте
go-title = Проходите, пожалуйста
go-hint = Возьмите паспорт и вещи
officer-title = Сотрудник поможет вам
officer-hint = Пожалуйста, подождите здесь
other-lane-title = Для вас другой проход
other-lane-hint = Сотрудник покажет вам
emergency-title = Немедленно покиньте проход
emergency-hint = Выйдите через ближайший выход

guide-come-closer = Подойдите немного ближе
guide-step-back = Отойдите немного назад
guide-move-left = Немного левее
guide-move-right = Немного правее
guide-move-up = { guide-step-back }
guide-move-down = Лицо немного ниже
guide-open-eyes = Откройте глаза
guide-close-mouth = Закройте рот
guide-face-forward = Смотрите прямо
guide-hold-still = Не двигайтесь
guide-one-person = По одному человеку
guide-more-light = Повернитесь к свету

guide-page-open = Покажите страницу с фото
guide-page-turn = Поверните документ на пол-оборота
guide-page-flat = Положите документ ровно
guide-page-clear = Уберите пальцы со страницы
guide-page-still = Не двигайте документ
guide-page-glare = Уберите документ от блика

notice-what = Мы считываем ваш паспорт и сравниваем ваше лицо с фото в нём.
notice-kept-days = Снимки стираются не позднее чем через { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
    [many] { $minutes } минут
   *[other] { $minutes } минуты
 } после проверки, результаты — через { $days ->
    [one] { $days } день
    [few] { $days } дня
    [many] { $days } дней
   *[other] { $days } дня
 }.
notice-kept-open = Снимки стираются не позднее чем через { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
    [many] { $minutes } минут
   *[other] { $minutes } минуты
 } после проверки. Срок хранения результатов не установлен.
notice-choice = Вы можете бесплатно пройти к сотруднику. Жалобы: { $contact }
notice-more = Всё о ваших данных

mark-demo = Демонстрация, не пограничный контроль
mark-trial = Пробная эксплуатация
mark-unreviewed = Черновик: не проверен носителем языка

direction-entry = Прибытие
direction-exit = Отправление

step-passport = Паспорт
step-face = Лицо
step-walk = Проход
steps-name = Порядок прохождения
languages-name = Язык
larger-text = Крупный текст
mirror-name = Изображение с камеры

board-title = Ваши данные на этом контроле
board-who-title = Кто
board-who = Проход { $gate } обслуживает { $operator }.
board-what-title = Что и для чего считывается
board-what = Печатные строки вашего паспорта, данные и фото из его чипа и видео вашего лица.
board-why = Только чтобы проверить, что паспорт подлинный, действительный и ваш. Ваше лицо сравнивается с фото в вашем паспорте и больше ни с чьим.
board-decides = Проход открывается или вызывает сотрудника. Он никому не отказывает.
board-kept-title = Как долго
board-pictures = Снимки и данные паспорта находятся в оперативной памяти и стираются, когда ваш проход завершён.
board-referral = Если вызван сотрудник, зашифрованная копия остаётся в памяти до его решения, не более { $minutes ->
    [one] { $minutes } минуты
    [few] { $minutes } минут
    [many] { $minutes } минут
   *[other] { $minutes } минуты
 }.
board-remembered = После этого в памяти (до { $remembered } мин) остаются числа, которыми описаны ваше лицо и фотография из чипа, чтобы никто не пришёл с чужим паспортом. Их сравнивают только с теми, кого за это время направили к сотруднику на этом проходе.
board-results-days = Результаты проверок хранятся в опечатанном журнале { $days ->
    [one] { $days } день
    [few] { $days } дня
    [many] { $days } дней
   *[other] { $days } дня
 }: время, что проверялось, вид, государство и даты документа, гражданство. Без имени, номера и снимков.
board-results-open = Результаты проверок хранятся в опечатанном журнале, срок не установлен: время, что проверялось, вид, государство и даты документа, гражданство. Без имени, номера и снимков.
board-readers = { $auditors ->
    [one] Ключ к нему есть у { $auditors } аудитора. На проходе его никто не может прочесть.
    [few] Ключ к нему есть у { $auditors } аудиторов. На проходе его никто не может прочесть.
    [many] Ключ к нему есть у { $auditors } аудиторов. На проходе его никто не может прочесть.
   *[other] Ключ к нему есть у { $auditors } аудитора. На проходе его никто не может прочесть.
 }
board-central = Копия, опечатанная так же, передаётся на центральный сервер оператора.
board-choice-title = У вас есть выбор
board-choice = Вы можете пройти к стойке сотрудника. Это бесплатно.
board-ask-title = Вопросы и жалобы
board-ask = Узнать, что о вас хранится, исправить это или пожаловаться: { $contact }
board-more = Это уведомление на всех языках: { $address }
board-version = Версия { $version }

ask-officer = К сотруднику
ask-more-time = Больше времени
ask-protection = Мне нужна помощь или защита
