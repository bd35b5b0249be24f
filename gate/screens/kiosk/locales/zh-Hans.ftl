# The traveller's page and boards in Chinese, simplified characters.

-issuers = CHN

language-name = 简体中文
page-name = 边检自助通道

closed-title = 此通道已关闭
closed-hint = 请使用其他通道
welcome-title = 请将护照放在读取器上
welcome-hint = 翻到照片页，取下护照套
look-title = 请看摄像头
look-hint = 请露出整个面部
look-offer = 工作人员可以为您提供帮助
wait-title = 请稍候
wait-hint = 请留在原处
go-title = 请通行
go-hint = 请带好护照和行李
officer-title = 工作人员将为您提供帮助
officer-hint = 请在此等候
other-lane-title = 请使用另一条通道
other-lane-hint = 工作人员将为您指引
emergency-title = 请立即离开通道
emergency-hint = 请走最近的出口

guide-come-closer = 请靠近一点
guide-step-back = 请后退一点
guide-move-left = 请向您的左侧移动一点
guide-move-right = 请向您的右侧移动一点
guide-move-up = { guide-step-back }
guide-move-down = 面部请再低一点
guide-open-eyes = 请睁开眼睛
guide-close-mouth = 请闭上嘴
guide-face-forward = 请正视前方
guide-hold-still = 请保持不动
guide-one-person = 每次一人
guide-more-light = 请转向光亮处

guide-page-open = 请出示照片页
guide-page-turn = 请将证件旋转半圈
guide-page-flat = 请将证件放平
guide-page-clear = 请将手指移开页面
guide-page-still = 请不要移动证件
guide-page-glare = 请将证件移开反光处

notice-what = 我们读取您的护照，并将您的面部与护照照片比对。
notice-kept-days = 影像最迟在查验后 { $minutes ->
   *[other] { $minutes } 分钟
 }内删除，查验结果在 { $days ->
   *[other] { $days } 天
 }后删除。
notice-kept-open = 影像最迟在查验后 { $minutes ->
   *[other] { $minutes } 分钟
 }内删除。查验结果的保存没有固定期限。
notice-choice = 您也可以改走人工通道，免费。投诉：{ $contact }
notice-more = 您的数据说明

mark-demo = 演示，并非边防检查
mark-trial = 试运行
mark-unreviewed = 草稿：未经母语者审阅

direction-entry = 入境
direction-exit = 出境

step-passport = 护照
step-face = 面部
step-walk = 通行
steps-name = 通关步骤
languages-name = 语言
larger-text = 放大文字
mirror-name = 摄像头拍到的画面

board-title = 本通道如何使用您的数据
board-who-title = 负责单位
board-who = 通道 { $gate } 由 { $operator } 运营。
board-what-title = 采集什么，用途是什么
board-what = 护照上印刷的机读码、芯片中的数据和照片，以及您面部的视频。
board-why = 仅用于确认护照真实、有效且属于您本人。您的面部只与您护照中的照片比对，不与任何其他人的照片比对。
board-why-also = 仅用于确认护照真实、有效且属于您本人。您的面部与您护照中的照片比对。
board-looked-up = 依法在名单和登记系统中查询的是您的证件，绝不是您的面部。
board-decides = 通道会开启，或者呼叫工作人员。通道从不拒绝任何人。
board-kept-title = 保存多久
board-pictures = 影像和护照数据只存于内存，通行结束时即删除。
board-referral = 如果呼叫了工作人员，一份加密副本会留在内存中，直到工作人员作出决定，最长 { $minutes ->
   *[other] { $minutes } 分钟
 }。
board-remembered = 此后,您的面部与芯片照片的数值会留在内存中(最多 { $remembered } 分钟),以防有人持他人护照前来。只与这段时间内在本通道转交工作人员的人比对。
board-reuse = 由您护照芯片得出的一个数值会连同通道和时间在内存中保留至多 { $reuse } 分钟,以便发现同一护照来到此处的另一通道。此后即被抹除。没有护照,无人知道它属于谁,因此也无法向任何人出示。
board-results-days = 查验结果在密封日志中保存 { $days ->
   *[other] { $days } 天
 }：时间、查验项目、证件的种类、签发国和日期、国籍。不含姓名、号码和影像。
board-results-open = 查验结果保存在密封日志中，没有固定期限：时间、查验项目、证件的种类、签发国和日期、国籍。不含姓名、号码和影像。
board-readers = { $auditors ->
   *[other] { $auditors } 名审计员持有密钥。通道处无人能够读取。
 }
board-central = 一份同样密封的副本会发送到运营方的中央服务器。
board-choice-title = 您可以选择
board-choice = 您可以改走人工通道，不收取任何费用。
board-ask-title = 咨询与投诉
board-ask = 查询或更正有关您的记录，或进行投诉：{ $contact }
board-more = 本告示的各语言版本：{ $address }
board-version = 版本 { $version }

ask-officer = 找工作人员
ask-more-time = 需要更多时间
ask-protection = 我需要帮助或保护
