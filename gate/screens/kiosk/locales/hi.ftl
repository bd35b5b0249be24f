# The traveller's page and boards in Hindi.

# Hindi is the official language of the Union (Constitution of India, Article 343); who reads English or another one has the switch.
-issuers = IND

language-name = हिन्दी
page-name = सीमा जाँच द्वार

closed-title = यह लेन बंद है
closed-hint = कृपया दूसरी लेन में जाएँ
welcome-title = पासपोर्ट को रीडर पर रखें
welcome-hint = फ़ोटो वाला पन्ना खोलें, कवर हटाएँ
look-title = कैमरे की ओर देखें
look-hint = पूरा चेहरा दिखाई दे
look-offer = एक अधिकारी आपकी सहायता कर सकते हैं
wait-title = कृपया एक क्षण रुकें
wait-hint = कृपया अपनी जगह पर रहें
go-title = कृपया आगे जाएँ
go-hint = अपना पासपोर्ट और सामान ले लें
officer-title = एक अधिकारी आपकी सहायता करेंगे
officer-hint = कृपया यहीं प्रतीक्षा करें
other-lane-title = आपके लिए दूसरी लेन है
other-lane-hint = एक अधिकारी आपको बताएँगे
emergency-title = लेन से तुरंत बाहर जाएँ
emergency-hint = सबसे पास के निकास से जाएँ

guide-come-closer = थोड़ा पास आएँ
guide-step-back = थोड़ा पीछे जाएँ
guide-move-left = थोड़ा अपने बाएँ जाएँ
guide-move-right = थोड़ा अपने दाएँ जाएँ
guide-move-up = { guide-step-back }
guide-move-down = चेहरा थोड़ा नीचे करें
guide-open-eyes = आँखें खोलें
guide-close-mouth = मुँह बंद करें
guide-face-forward = सीधे सामने देखें
guide-hold-still = स्थिर रहें
guide-one-person = एक बार में एक व्यक्ति
guide-more-light = रोशनी की ओर मुड़ें

guide-page-open = फ़ोटो वाला पन्ना दिखाएँ
guide-page-turn = दस्तावेज़ को आधा चक्कर घुमाएँ
guide-page-flat = दस्तावेज़ को सपाट रखें
guide-page-clear = पन्ने से उँगलियाँ हटाएँ
guide-page-still = दस्तावेज़ को न हिलाएँ
guide-page-glare = दस्तावेज़ को चमक से हटाएँ

notice-what = हम आपका पासपोर्ट पढ़ते हैं और आपके चेहरे को उसकी फ़ोटो से मिलाते हैं।
notice-kept-days = चित्र जाँच के बाद अधिक से अधिक { $minutes ->
    [one] { $minutes } मिनट
   *[other] { $minutes } मिनट
 } में मिटाए जाते हैं, परिणाम { $days ->
    [one] { $days } दिन
   *[other] { $days } दिन
 } के बाद।
notice-kept-open = चित्र जाँच के बाद अधिक से अधिक { $minutes ->
    [one] { $minutes } मिनट
   *[other] { $minutes } मिनट
 } में मिटाए जाते हैं। परिणाम बिना तय अवधि के रखे जाते हैं।
notice-choice = इसके बदले आप अधिकारी के पास जा सकते हैं, निःशुल्क। शिकायत: { $contact }
notice-more = आपके डेटा की पूरी जानकारी

mark-demo = प्रदर्शन, असली सीमा जाँच नहीं
mark-trial = परीक्षण संचालन
mark-unreviewed = मसौदा: किसी मातृभाषी ने जाँचा नहीं

direction-entry = आगमन
direction-exit = प्रस्थान

step-passport = पासपोर्ट
step-face = चेहरा
step-walk = आगे जाएँ
steps-name = द्वार से जाने के चरण
languages-name = भाषा
larger-text = बड़े अक्षर
mirror-name = कैमरे में दिखता चित्र

board-title = इस द्वार पर आपका डेटा
board-who-title = कौन
board-who = द्वार { $gate } को { $operator } चलाता है।
board-what-title = क्या लिया जाता है, और क्यों
board-what = आपके पासपोर्ट की छपी पंक्तियाँ, उसकी चिप का डेटा और फ़ोटो, और आपके चेहरे का वीडियो।
board-why = केवल यह जाँचने के लिए कि पासपोर्ट असली, मान्य और आपका है। आपका चेहरा आपके पासपोर्ट की फ़ोटो से मिलाया जाता है, किसी और की फ़ोटो से नहीं।
board-why-also = केवल यह जाँचने के लिए कि पासपोर्ट असली, मान्य और आपका है। आपका चेहरा आपके पासपोर्ट की फ़ोटो से मिलाया जाता है।
board-looked-up = क़ानून के अनुसार सूचियों और रजिस्टरों में आपका दस्तावेज़ खोजा जाता है, आपका चेहरा कभी नहीं।
board-decides = द्वार खुलता है या अधिकारी को बुलाता है। वह किसी को नहीं लौटाता।
board-kept-title = कितने समय तक
board-pictures = चित्र और पासपोर्ट का डेटा मेमोरी में रहते हैं और आपके निकलने पर मिटा दिए जाते हैं।
board-referral = अधिकारी को बुलाने पर एक एन्क्रिप्टेड प्रति उनके निर्णय तक मेमोरी में रहती है, अधिक से अधिक { $minutes ->
    [one] { $minutes } मिनट
   *[other] { $minutes } मिनट
 }।
board-remembered = इसके बाद आपके चेहरे और चिप की फ़ोटो के अंक मेमोरी में रहते हैं ({ $remembered } मिनट तक), ताकि कोई दूसरे का पासपोर्ट लेकर न आए। इनकी तुलना केवल उनसे होती है जिन्हें उस समय इस द्वार पर अधिकारी के पास भेजा गया।
board-reuse = अधिकतम { $reuse } मिनट तक आपके पासपोर्ट की चिप से बनी एक संख्या, द्वार और समय के साथ, मेमोरी में रहती है, ताकि पता चले कि वही पासपोर्ट यहाँ किसी दूसरे द्वार पर आया। फिर वह मिटा दी जाती है। पासपोर्ट के बिना कोई नहीं जानता कि वह किसकी है, इसलिए वह किसी को दिखाई नहीं जा सकती।
board-results-days = जाँच के परिणाम सीलबंद लॉग में { $days ->
    [one] { $days } दिन
   *[other] { $days } दिन
 } रहते हैं: समय, क्या जाँचा गया, दस्तावेज़ का प्रकार, देश और तिथियाँ, राष्ट्रीयता। न नाम, न संख्या, न चित्र।
board-results-open = जाँच के परिणाम सीलबंद लॉग में बिना तय अवधि के रहते हैं: समय, क्या जाँचा गया, दस्तावेज़ का प्रकार, देश और तिथियाँ, राष्ट्रीयता। न नाम, न संख्या, न चित्र।
board-readers = { $auditors ->
    [one] इसकी कुंजी { $auditors } लेखा परीक्षक के पास है। द्वार पर कोई इसे नहीं पढ़ सकता।
   *[other] इसकी कुंजी { $auditors } लेखा परीक्षकों के पास है। द्वार पर कोई इसे नहीं पढ़ सकता।
 }
board-central = इसी तरह सीलबंद एक प्रति संचालक के केंद्रीय सर्वर पर जाती है।
board-choice-title = आप चुन सकते हैं
board-choice = इसके बदले आप अधिकारी की लेन में जा सकते हैं। इसका कोई शुल्क नहीं है।
board-ask-title = प्रश्न और शिकायतें
board-ask = आपके बारे में क्या रखा है यह पूछने, सुधरवाने या शिकायत के लिए: { $contact }
board-more = यह सूचना सभी भाषाओं में: { $address }
board-version = संस्करण { $version }

ask-officer = किसी अधिकारी के पास जाएँ
ask-more-time = और समय
ask-protection = मुझे मदद या सुरक्षा चाहिए
