"""The states of a message."""

from yizhan.console.words.pair import Pairs

WORDS: Pairs = {
    "scheduled": ("scheduled", "定时"),
    "queued": ("queued", "排队"),
    "sending": ("sending", "提交中"),
    "uncertain": ("uncertain", "结果不明"),
    "sent": ("sent", "已提交"),
    "delivered": ("delivered", "已送达"),
    "failed": ("failed", "失败"),
    "expired": ("expired", "过期"),
    "rejected": ("rejected", "被拒"),
    "unknown": ("unknown", "未知"),
    "cancelled": ("cancelled", "已取消"),
    "invalid": ("invalid number", "号码无效"),
    "blocked": ("blocked number", "黑名单号码"),
}
