# The traveller's page and boards in Arabic. Requests are verbal nouns, which address men and women alike.

-issuers = ARE BHR DZA EGY IRQ JOR KWT LBN LBY MAR MRT OMN PSE QAT SAU SOM SYR TUN YEM

language-name = العربية
page-name = بوابة الحدود

closed-title = هذا الممر مغلق
closed-hint = يُرجى استخدام ممر آخر
welcome-title = يُرجى وضع جواز السفر على القارئ
welcome-hint = مفتوحًا على صفحة الصورة، من دون غلاف
look-title = يُرجى النظر إلى الكاميرا
look-hint = مع إبقاء الوجه ظاهرًا بالكامل
look-offer = يمكن لأحد الموظفين المساعدة
wait-title = لحظة من فضلك
wait-hint = يُرجى البقاء في المكان نفسه
go-title = يُرجى العبور
go-hint = مع أخذ جواز السفر والأمتعة
officer-title = سيساعدك أحد الموظفين
officer-hint = يُرجى الانتظار هنا
other-lane-title = ممر آخر مخصّص لك
other-lane-hint = سيرشدك إليه أحد الموظفين
emergency-title = يُرجى مغادرة الممر الآن
emergency-hint = من أقرب مخرج

guide-come-closer = يُرجى الاقتراب قليلًا
guide-step-back = يُرجى الرجوع قليلًا إلى الوراء
guide-move-left = قليلًا إلى يسارك
guide-move-right = قليلًا إلى يمينك
guide-move-up = { guide-step-back }
guide-move-down = الوجه أخفض قليلًا
guide-open-eyes = يُرجى فتح العينين
guide-close-mouth = يُرجى إغلاق الفم
guide-face-forward = يُرجى النظر إلى الأمام مباشرةً
guide-hold-still = يُرجى عدم الحركة
guide-one-person = شخص واحد في كل مرة
guide-more-light = يُرجى الالتفات نحو الضوء

guide-page-open = يُرجى إظهار صفحة الصورة
guide-page-turn = يُرجى تدوير الوثيقة نصف دورة
guide-page-flat = يُرجى وضع الوثيقة مسطّحة
guide-page-clear = يُرجى إبعاد الأصابع عن الصفحة
guide-page-still = يُرجى ترك الوثيقة من دون حركة
guide-page-glare = يُرجى إبعاد الوثيقة عن الانعكاس

notice-what = نقرأ جواز سفرك ونقارن وجهك بالصورة التي فيه.
notice-kept-days = تُمحى الصور بعد { $minutes ->
    [zero] { $minutes } دقيقة
    [one] دقيقة واحدة
    [two] دقيقتين
    [few] { $minutes } دقائق
    [many] { $minutes } دقيقة
   *[other] { $minutes } دقيقة
 } من الفحص على الأكثر، والنتائج بعد { $days ->
    [zero] { $days } يوم
    [one] يوم واحد
    [two] يومين
    [few] { $days } أيام
    [many] { $days } يومًا
   *[other] { $days } يوم
 }.
notice-kept-open = تُمحى الصور بعد { $minutes ->
    [zero] { $minutes } دقيقة
    [one] دقيقة واحدة
    [two] دقيقتين
    [few] { $minutes } دقائق
    [many] { $minutes } دقيقة
   *[other] { $minutes } دقيقة
 } من الفحص على الأكثر. وتُحفظ النتائج من دون مدة محدّدة.
notice-choice = يمكنك التوجّه إلى موظف بدلًا من ذلك، مجانًا. الشكاوى: { $contact }
notice-more = كل شيء عن بياناتك

mark-demo = عرض توضيحي، وليس مراقبة حدود
mark-trial = تشغيل تجريبي
mark-unreviewed = مسوّدة: لم يراجعها متحدّث أصلي

direction-entry = الوصول
direction-exit = المغادرة

step-passport = الجواز
step-face = الوجه
step-walk = العبور
steps-name = خطوات العبور
languages-name = اللغة
larger-text = نص أكبر
mirror-name = الصورة التي تراها الكاميرا

board-title = بياناتك عند هذه البوابة
board-who-title = الجهة المسؤولة
board-who = تُشغّل البوابة { $gate } جهة { $operator }.
board-what-title = ما الذي يُؤخذ ولماذا
board-what = الأسطر المطبوعة في جواز سفرك، والبيانات والصورة في شريحته، ومقطع مصوّر لوجهك.
board-why = فقط للتحقّق من أن الجواز أصلي وساري المفعول ولك. يُقارن وجهك بالصورة التي في جوازك، ولا يُقارن بصورة أي شخص آخر.
board-why-also = فقط للتحقّق من أن الجواز أصلي وساري المفعول ولك. يُقارن وجهك بالصورة التي في جوازك.
board-looked-up = يُبحث عن وثيقتك، لا عن وجهك أبدًا، في قوائم وسجلات كما ينص القانون.
board-decides = تُفتح البوابة أو تستدعي موظفًا. ولا تردّ أحدًا أبدًا.
board-kept-title = مدة الحفظ
board-pictures = تبقى الصور وبيانات الجواز في الذاكرة وتُمحى عند انتهاء عبورك.
board-referral = إذا استُدعي موظف، تبقى نسخة مشفّرة في الذاكرة إلى أن يقرّر الموظف، { $minutes ->
    [zero] { $minutes } دقيقة
    [one] دقيقة واحدة
    [two] دقيقتين
    [few] { $minutes } دقائق
    [many] { $minutes } دقيقة
   *[other] { $minutes } دقيقة
 } على الأكثر.
board-remembered = وبعد ذلك يبقى في الذاكرة (حتى { $remembered } د) ما يقابل وجهك وصورة الشريحة من أرقام، حتى لا يأتي أحد بجواز غيره. ولا يُقارن إلا بمن أُحيلوا إلى موظف عند هذا الممر في تلك المدة.
board-reuse = ولمدة أقصاها { $reuse } د يبقى في الذاكرة رقم مأخوذ من شريحة جوازك مع الممر والوقت، حتى يظهر إن جاء الجواز نفسه إلى ممر آخر هنا. ثم يُمحى. ومن دون الجواز لا يعرف أحد لمن هو، فلا يمكن عرضه على أحد.
board-results-days = تبقى نتائج الفحوص في سجل مختوم { $days ->
    [zero] { $days } يوم
    [one] يومًا واحدًا
    [two] يومين
    [few] { $days } أيام
    [many] { $days } يومًا
   *[other] { $days } يوم
 }: الوقت، وما الذي فُحص، ونوع الوثيقة ودولتها وتواريخها، والجنسية. من دون اسم أو رقم أو صورة.
board-results-open = تبقى نتائج الفحوص في سجل مختوم من دون مدة محدّدة: الوقت، وما الذي فُحص، ونوع الوثيقة ودولتها وتواريخها، والجنسية. من دون اسم أو رقم أو صورة.
board-readers = { $auditors ->
    [zero] لدى { $auditors } مدقّق مفتاح له. ولا يستطيع أحد عند البوابة قراءته.
    [one] لدى مدقّق واحد مفتاح له. ولا يستطيع أحد عند البوابة قراءته.
    [two] لدى مدقّقين اثنين مفتاح له. ولا يستطيع أحد عند البوابة قراءته.
    [few] لدى { $auditors } مدقّقين مفتاح له. ولا يستطيع أحد عند البوابة قراءته.
    [many] لدى { $auditors } مدقّقًا مفتاح له. ولا يستطيع أحد عند البوابة قراءته.
   *[other] لدى { $auditors } مدقّق مفتاح له. ولا يستطيع أحد عند البوابة قراءته.
 }
board-central = تُرسل نسخة مختومة بالطريقة نفسها إلى الخادم المركزي للجهة المشغّلة.
board-choice-title = لك الخيار
board-choice = يمكنك التوجّه إلى ممر الموظف بدلًا من ذلك. ولا يكلّف ذلك شيئًا.
board-ask-title = الأسئلة والشكاوى
board-ask = للسؤال عمّا يُحفظ عنك أو تصحيحه أو تقديم شكوى: { $contact }
board-more = هذا الإشعار بكل اللغات: { $address }
board-version = الإصدار { $version }
ask-officer = التوجه إلى موظف
ask-more-time = مزيد من الوقت
ask-protection = أحتاج إلى مساعدة أو حماية
