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
    "password_why": (
        "You are logged out everywhere, and log in again with the new one.",
        "修改后所有登录都会退出，请用新密码重新登录。",
    ),
}
