"""A customer's first page, and what was sent by day."""

from yizhan.console.words.pair import Pairs

WORDS: Pairs = {
    "today": ("Sent today", "今日发送"),
    "today_none": ("Nothing sent today.", "今日尚未发送。"),
    "cost_today": ("Cost today", "今日费用"),
    "newest_messages": ("Newest messages", "最新短信"),
    "newest_none": ("Nothing sent yet.", "还没有发送过短信。"),
    "send_first": ("Send the first message", "发送第一条短信"),
    "newest_replies": ("Newest replies", "最新上行"),
    "no_replies_yet": ("No replies yet.", "还没有上行。"),
    "all_messages": ("All messages", "全部短信"),
    "all_replies": ("All replies", "全部上行"),
    "is_disabled": (
        "This account is disabled: nothing is sent. Ask whoever runs this gateway.",
        "账号已停用，无法发送，请联系平台管理员。",
    ),
    "is_empty": ("The balance is used up: nothing is sent before it is topped up.", "余额已用完，充值后才能发送。"),
    "reports": ("Statistics", "发送统计"),
    "days": ("Days", "天数"),
    "days_1": ("Today", "今天"),
    "days_7": ("7 days", "近 7 天"),
    "days_30": ("30 days", "近 30 天"),
    "day": ("Day", "日期"),
    "sum": ("Total", "合计"),
    "cost": ("Cost", "费用"),
    "cost_hint": (
        "By the day on which a message was accepted, in Beijing; the cost is what was charged less what was paid back. Messages that are no longer kept are not counted.",
        "按接收短信的日期（北京时间）统计；费用为扣费减去退费。已过保存期的短信不计入。",
    ),
    "newest_counted": ("Only the newest messages are counted, so many:", "仅统计最新的短信，条数："),
    "days_none": ("Nothing was sent in this time.", "这段时间没有发送。"),
    "choose_account": ("Choose an account.", "请选择账号。"),
    "show": ("Show", "查看"),
}
