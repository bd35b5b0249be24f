# The traveller's page in Arabic.

language-name = العربية
page-name = بوابة الحدود

closed-title = هذا الممر مغلق
closed-hint = يُرجى استخدام ممر آخر
welcome-title = ضع جواز سفرك على القارئ
welcome-hint = مفتوحًا على صفحة الصورة، من دون غلاف
look-title = انظر إلى الكاميرا
look-hint = أبقِ وجهك ظاهرًا بالكامل
wait-title = لحظة من فضلك
wait-hint = يُرجى البقاء في مكانك
go-title = تفضّل بالعبور
go-hint = خذ جواز سفرك وأمتعتك
officer-title = سيساعدك أحد الموظفين
officer-hint = يُرجى الانتظار هنا
other-lane-title = ممر آخر مخصّص لك
other-lane-hint = سيرشدك إليه أحد الموظفين
emergency-title = غادر الممر الآن
emergency-hint = اخرج من أقرب مخرج

guide-come-closer = اقترب قليلًا
guide-step-back = ارجع قليلًا إلى الوراء
guide-move-left = تحرّك قليلًا إلى يسارك
guide-move-right = تحرّك قليلًا إلى يمينك
guide-move-up = ارتفع قليلًا
guide-move-down = انخفض قليلًا
guide-open-eyes = افتح عينيك
guide-close-mouth = أغلق فمك
guide-face-forward = انظر أمامك مباشرةً
guide-hold-still = لا تتحرّك
guide-one-person = شخص واحد فقط
guide-more-light = التفت نحو الضوء

guide-page-open = اعرض صفحة الصورة
guide-page-turn = أدر الوثيقة
guide-page-flat = ضع الوثيقة مسطحة
guide-page-clear = أبعد أصابعك عن الصفحة
guide-page-still = اترك الوثيقة دون حركة
guide-page-glare = حرك الوثيقة بعيدا عن الوهج

notice-what = نقرأ شريحة جواز سفرك وننظر إلى وجهك.
notice-why = فقط للتحقّق من أن الجواز لك.
notice-how-long = تُمحى صورك بعد مغادرتك.
notice-choice = يمكنك التوجّه إلى موظف بدلًا من ذلك، مجانًا.
notice-who = تشغيل { $operator }

mark-demo = عرض تجريبي، وليس مراقبة حدود
mark-trial = تشغيل تجريبي

direction-entry = الوصول
direction-exit = المغادرة

step-passport = الجواز
step-face = الوجه
step-walk = العبور
steps-name = خطوات العبور
languages-name = اللغة
mirror-name = الصورة التي تراها الكاميرا
