"""What the pages of log-in say, in English and Chinese."""

from __future__ import annotations

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "log_in": "Log in",
        "welcome": "Make your account",
        "inside": "You are logged in as {name} ({role}).",
        "inside_title": "Logged in",
        "failed": "That did not work",
        "name": "User name",
        "password": "Password",
        "new_password": "Password (new)",
        "invitation": "Invitation: the part of the link behind #",
        "welcome_text": "This invitation makes one account. Choose a name and a "
        "password.",
        "rule": "12 characters or more. Several words are easy to remember.",
        "make": "Make the account",
        "log_out": "Log out",
        "openid": "Log in with your organisation's account",
        "go_on": "Go on",
        "to_app": "Go to the worklist",
        "back": "Back to the log-in",
        "wrong": "The name or the password is wrong.",
        "wait": "Too many failed log-ins. Try again in {seconds} seconds.",
        "no_cookie": "Your browser did not keep the session: it came without https. "
        "Open the service by its https address, or on its own machine by 127.0.0.1.",
        "viewer": "viewer",
        "reader": "reader",
        "administrator": "administrator",
        "demo": "Demo: no account is needed. Do not put real patients in.",
        "notice": "Research software, not a medical device.",
    },
    "zh": {
        "log_in": "登录",
        "welcome": "创建您的账户",
        "inside": "您已登录：{name}（{role}）。",
        "inside_title": "已登录",
        "failed": "操作未成功",
        "name": "用户名",
        "password": "密码",
        "new_password": "密码（新）",
        "invitation": "邀请码：链接中 # 之后的部分",
        "welcome_text": "此邀请可创建一个账户。请选择用户名和密码。",
        "rule": "至少 12 个字符。由几个词组成的密码容易记住。",
        "make": "创建账户",
        "log_out": "退出登录",
        "openid": "使用机构账户登录",
        "go_on": "继续",
        "to_app": "前往工作列表",
        "back": "返回登录",
        "wrong": "用户名或密码错误。",
        "wait": "登录失败次数过多。请在 {seconds} 秒后重试。",
        "no_cookie": "浏览器未保存会话：连接未使用 https。请通过 https 地址打开本服务，"
        "或在本机上使用 127.0.0.1。",
        "viewer": "查看者",
        "reader": "阅片者",
        "administrator": "管理员",
        "demo": "演示模式：无需账户。请勿放入真实患者的数据。",
        "notice": "研究用软件，并非医疗器械。",
    },
}


def language_of(accepted: str) -> str:
    """The language of a page for an Accept-Language header (RFC 9110, 12.5.4).

    >>> language_of("zh-CN,zh;q=0.9,en;q=0.8"), language_of("fr, en;q=0.1")
    ('zh', 'en')
    """
    best, most = "en", 0.0
    for part in accepted[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            continue
        if language in TEXTS and value > most:
            best, most = language, value
    return best
