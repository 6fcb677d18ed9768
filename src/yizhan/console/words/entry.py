"""The way in: log-in, set-up, one's own password."""

from yizhan.console.words.pair import Pairs

WORDS: Pairs = {
    "wrong_login": ("The name or the password is wrong.", "用户名或密码不正确。"),
    "too_many": ("Too many attempts. Wait a minute, then try again.", "尝试次数过多，请等一分钟再试。"),
    "too_short": ("A password has 15 to 256 characters.", "密码为 15 到 256 个字符。"),
    "bad_name": (
        "A name has 1 to 32 letters, digits, dots, dashes or underscores, and begins with a letter or digit.",
        "用户名为 1 到 32 个字母、数字、点、短横线或下划线，以字母或数字开头。",
    ),
    "setup": ("The first administrator", "第一位管理员"),
    "setup_why": (
        "Nobody can log in yet. Choose a name and a password for the first administrator.",
        "还没有人可以登录。请为第一位管理员设定用户名和密码。",
    ),
    "create": ("Create", "创建"),
    "password_hint": (
        "15 to 256 characters. Several words are easy to remember.",
        "15 到 256 个字符，用几个词组成的短句更容易记住。",
    ),
    "change_password": ("Change password", "修改密码"),
    "old_password": ("Present password", "当前密码"),
    "new_password": ("New password", "新密码"),
    "wrong_password": ("The password is wrong.", "密码不正确。"),
    "second_factor": ("Second factor", "两步验证"),
    "second_factor_line": (
        "A code of an app on your phone, besides the password:",
        "除密码外，再用手机应用上的验证码登录：",
    ),
    "login_code": ("Code", "验证码"),
    "login_code_hint": (
        "The six digits that your app shows now, or one of your recovery codes.",
        "应用当前显示的六位数字，或者一个恢复码。",
    ),
    "too_many_later": ("Too many attempts. Try again later.", "尝试次数过多，请稍后再试。"),
    "wrong_code": (
        "The code is wrong, or it was used. Wait for the next one.",
        "验证码不正确或已用过，请等下一个。",
    ),
    "wrong_first_code": (
        "The app shows another code. Has it taken this secret, and is the phone's clock right?",
        "验证码与此密钥不符。请确认应用已添加此密钥，手机时间是否准确。",
    ),
    "from_the_start": ("Back to name and password", "返回输入用户名和密码"),
    "must_enrol": (
        "Your role logs in with a second factor. Set it up to go on.",
        "您的角色必须使用两步验证，设置后才能继续。",
    ),
    "enrol_why": (
        "Scan the picture with an authenticator app, or type the secret into it. From then on the log-in asks for a code"
        " of the app, too.",
        "用验证器应用扫描图片，或手动输入密钥。之后登录时还需输入应用上的验证码。",
    ),
    "totp_qr": ("QR code of the secret", "密钥的二维码"),
    "totp_secret": ("Secret", "密钥"),
    "totp_app": ("Open an app on this device", "在本机应用中打开"),
    "first_code_hint": ("The six digits that the app shows now.", "应用当前显示的六位数字。"),
    "totp_on": ("Turn on", "启用"),
    "totp_off": ("Turn off", "停用"),
    "totp_off_why": (
        "To turn it off, show the password and a code. Other log-ins of yours end.",
        "停用需要密码和一个验证码，您在其他地方的登录会退出。",
    ),
    "second_factor_off": ("The second factor is off.", "两步验证已停用。"),
    "is_on_since": ("On since", "启用时间"),
    "codes_left": ("Recovery codes left", "剩余恢复码"),
    "recovery": ("Recovery codes", "恢复码"),
    "recovery_why": (
        "The second factor is on. When your phone is gone, each of these logs you in once in its place. Write them down"
        " now: they are not shown again.",
        "两步验证已启用。手机丢失时，每个恢复码可代替验证码登录一次。请立即抄下，之后不再显示。",
    ),
    "recovery_renew": ("New recovery codes", "更换恢复码"),
    "recovery_renew_why": (
        "Show the password and a code for ten new recovery codes. The old ones are void from then on.",
        "输入密码和一个验证码即可得到十个新的恢复码，旧的随即失效。",
    ),
    "recovery_done": ("I have them", "已抄好"),
    "password_why": (
        "You are logged out everywhere, and log in again with the new one.",
        "修改后所有登录都会退出，请用新密码重新登录。",
    ),
}
