"""The first page."""

from yizhan.console.words.pair import Pairs

WORDS: Pairs = {
    "overview": ("Overview", "概览"),
    "accepted": ("Accepted since the start", "启动以来已接收"),
    "oldest": ("Oldest one that waits", "等待最久"),
    "seconds": ("s", "秒"),
    "waiting": ("Messages that no carrier has yet", "尚未交给通道的短信"),
    "count": ("Messages", "条数"),
    "channels": ("Channels", "通道"),
    "kind": ("Kind", "类型"),
    "binds": ("Binds", "连接"),
    "in_flight": ("Under way", "在途"),
    "is_up": ("up", "正常"),
    "is_down": ("down", "断开"),
    "is_paused": ("paused", "已暂停"),
}
