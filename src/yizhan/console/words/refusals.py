"""Refused calls: each rule in words."""

from yizhan.console.words.pair import Pairs

WORDS: Pairs = {
    "door_refusals": ("Refusals", "拒绝记录"),
    "refusals_none": (
        "No call was refused. A call that a rule turns away stands here, with what it stumbled over.",
        "没有被拒绝的调用。被规则拒绝的调用会列在这里，并说明触发的内容。",
    ),
    "refusals_unmatched": ("No refused call matches.", "没有符合条件的拒绝记录。"),
    "refusals_masked": (
        "Texts are kept masked: their first characters and their length.",
        "内容脱敏保存：只保留开头几个字和总长度。",
    ),
    "refusal_rule": ("Rule", "规则"),
    "refusal_hit": ("Hit", "触发内容"),
    "refusal_code": ("Answer", "返回码"),
    "refusal_operation": ("Operation", "接口"),
    "refusal_address": ("Address", "来源地址"),
    "reject_address_blocked": ("the address is blocked", "来源地址在黑名单中"),
    "reject_corp_id_empty": ("CorpID is empty", "CorpID 为空"),
    "reject_password_empty": ("the password is empty", "密码为空"),
    "reject_password_not_md5": ("the password is no MD5", "密码不是 MD5"),
    "reject_account_unknown": ("there is no such account", "账号不存在"),
    "reject_password_wrong": ("the password is wrong", "密码错误"),
    "reject_account_disabled": ("the account is disabled", "账号已停用"),
    "reject_address_not_allowed": ("the address is not on the account's list", "来源地址不在账号的白名单中"),
    "reject_too_soon": ("too soon after the last call", "距上次调用间隔太短"),
    "reject_no_valid_number": ("no valid number", "没有有效号码"),
    "reject_content_empty": ("the text is empty", "内容为空"),
    "reject_content_too_long": ("the text is too long", "内容过长"),
    "reject_signature_missing": ("the signature is missing", "缺少签名"),
    "reject_send_time_malformed": ("SendTime cannot be read", "定时时间格式错误"),
    "reject_send_time_past": ("SendTime is over", "定时时间已过"),
    "reject_cell_malformed": ("Cell is wrong", "扩展号格式错误"),
    "reject_too_many_numbers": ("too many numbers", "号码过多"),
    "reject_keyword": ("a forbidden keyword", "命中敏感词"),
    "reject_numbers_blocked": ("all its numbers are blocked", "号码均在黑名单中"),
    "reject_balance_too_low": ("the balance is too low", "余额不足"),
    "reject_card_wrong": ("the card is wrong or used", "充值卡错误或已使用"),
    "reject_account_exists": ("the account exists already", "账号已存在"),
    "reject_other": ("it failed inside", "系统内部原因"),
}
