"""Sentences in several scripts, as plain text, Markdown, JSON and logs, to fill items."""

from __future__ import annotations

import json
import random
from typing import Final, NamedTuple

__all__ = ["Prose"]


class _Sentence(NamedTuple):
    text: str
    stored: int
    """Its size in bytes in a file, as JSON with ASCII escapes."""
    cjk: int
    """Number of its Chinese, Japanese and Korean characters."""


def _sentences(lines: str) -> tuple[_Sentence, ...]:
    return tuple(
        _Sentence(line, len(json.dumps(line)) - 1, sum(char > "\u2e80" for char in line))
        for line in lines.strip().splitlines()
    )


_LATIN: Final = _sentences("""
The connection pool is opened once and closed with the program.
It returns the rows in the order in which they were written.
A second reader sees the file as it was when its transaction began.
Nothing is written until the last page has been checked.
Let me look at the test that failed before I change anything.
The timeout is read from the environment, and 30 seconds is what it is without.
Both calls take the same lock, so one of them has to wait.
That explains why it only happens under load.
I found three places that build the same path by hand.
Rename the column first, then move the data, then drop the old one.
The café's menu lists crème brûlée at 7.50 €.
An empty answer is not an error here; it means that the search found nothing.
See https://example.com/docs/sessions?page=2#limits for the limits.
The build takes 4 minutes and 12 seconds, most of it spent on the images.
It would be simpler to keep the list sorted than to sort it at each call.
Please keep the old name as an alias for one more release.
The function `load_config` reads `settings.toml` and falls back to its defaults.
Only the first 1,000 entries are shown; ask for more with `--limit`.
This is the part that I am least sure about.
Run it twice: the second run should change nothing.
""")

_CJK: Final = _sentences("""
数据库连接在程序启动时打开，在退出时关闭。
请先运行测试，然后再修改配置文件。
这个函数返回按时间排序的全部结果。
如果文件不存在，就使用默认设置。
会话中的每一条消息都保存在同一个表里。
设定ファイルを読み込んでから、接続を開きます。
エラーが発生した場合は、もう一度お試しください。
この処理には約三秒かかります。
検索結果は新しい順に並んでいます。
変更を保存する前に、テストを実行してください。
데이터베이스 연결은 한 번만 열립니다.
결과는 시간 순서대로 정렬되어 있습니다.
파일이 없으면 기본값을 사용합니다.
먼저 테스트를 실행한 다음 설정을 바꾸세요.
""")


class Prose:
    """Writes texts of about a given stored size; all texts together have a given share of CJK characters."""

    def __init__(self, source: random.Random, cjk: float) -> None:
        """Create a writer with a source of chance, and a share of Chinese, Japanese and Korean, 0 to about 0.8."""
        self._random = source
        self._cjk = cjk
        self._missing_cjk = 0.0

    def plain(self, size: int) -> str:
        """Return paragraphs without markup."""
        return "\n\n".join(" ".join(group) for group in self._groups(size, 6, 1))

    def log(self, size: int) -> str:
        """Return lines of a log."""
        second = self._random.randrange(86_400)
        lines = []
        for number, (sentence,) in enumerate(self._groups(size, 1, 28)):
            minute, rest = divmod(second + number, 60)
            level = "ERROR" if number % 50 == 49 else "INFO "
            lines.append(f"{minute // 60 % 24:02}:{minute % 60:02}:{rest:02} {level} worker-{number % 4}: {sentence}")
        return "\n".join(lines)

    def records(self, size: int, indent: int | None = None) -> str:
        """Return a list of matches as JSON, on one line if there is no indent."""
        extra = 72 if indent is None else 110
        matches = [
            {"path": f"src/part_{number % 17}.py", "line": number, "text": sentence, "score": number % 100 / 100}
            for number, (sentence,) in enumerate(self._groups(size, 1, extra))
        ]
        return json.dumps(matches, ensure_ascii=False, indent=indent)

    def markdown(self, size: int) -> str:
        """Return sections with paragraphs, lists, code and tables."""
        blocks = []
        for number, group in enumerate(self._groups(size, 8, 4)):
            lead, *rest = group
            if number % 4 == 0:
                blocks.append(f"## Step {number // 4 + 1}\n\n{' '.join(group)}")
            elif number % 4 == 1:
                blocks.append("\n".join((f"**{lead}**", "", *(f"- {sentence}" for sentence in rest))))
            elif number % 4 == 2:
                code = "\n".join(f"    # {sentence}\n    rows.append({len(sentence)})" for sentence in rest)
                blocks.append(f"{lead}\n\n```python\ndef step_{number}(rows: list[int]) -> None:\n{code}\n```")
            else:
                table = "\n".join(f"| {place} | {sentence} |" for place, sentence in enumerate(rest))
                blocks.append(f"{lead}\n\n| number | what |\n|---:|---|\n{table}")
        return "\n\n".join(blocks)

    def _groups(self, size: int, group_size: int, extra: int) -> list[list[str]]:
        """Return sentences for `size` bytes in groups of `group_size`; each takes `extra` bytes more."""
        sentences: list[str] = []
        while size > 0 or not sentences:
            text, stored, cjk = self._random.choice(_CJK if self._missing_cjk > 0 else _LATIN)
            # The number of missing CJK characters is carried from text to text.
            self._missing_cjk += self._cjk * (len(text) + extra) - cjk
            size -= stored + extra
            sentences.append(text)
        return [sentences[start : start + group_size] for start in range(0, len(sentences), group_size)]
