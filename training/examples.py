"""Search the examples that the views of vectors begin with: over word lists, by the bundled model, as the product compares vectors.

    python examples.py --model ../media/models/explain-tokens-9m --out examples.json

- arithmetic: a - b + c over pairs of a relation; it works where the expected word is the nearest row of the static table,
  the three words left out and the table's mean taken off every row.
- words: two groups of words; the better, the farther the least cosine inside a group lies above the largest across.
- context: one token in two meanings, held against the same token in one meaning; vectors after each block, less the mean of
  both texts' tokens without the first. The better, the farther the two meanings part by the last block.

The report names how many were tried and how many worked: what is shown is the best of these, and is said to be.
"""

import argparse
import itertools
import json
from pathlib import Path

import torch

from measures import BOS, Reader

PAIRS = {
    "en": {
        "pronoun": ["he his", "she her", "they their", "we our", "you your", "it its", "I my"],
        "object": ["he him", "they them", "we us", "I me", "she her"],
        "plural": ["day days", "year years", "hand hands", "word words", "eye eyes", "thing things", "friend friends", "house houses", "month months", "function functions", "number numbers"],
        "past": ["go went", "come came", "see saw", "take took", "give gave", "know knew", "find found", "say said", "make made", "think thought", "stand stood"],
        "gender": ["man woman", "boy girl", "king queen", "father mother", "brother sister", "son daughter", "he she", "husband wife", "lord lady"],
        "place": ["France French", "England English", "Germany German", "China Chinese", "Spain Spanish", "Italy Italian"],
        "adverb": ["slow slowly", "quick quickly", "easy easily", "sudden suddenly", "complete completely", "final finally"],
        "opposite": ["good bad", "large small", "high low", "true false", "first last", "old new", "long short", "open closed"],
        "more": ["great greater", "large larger", "small smaller", "high higher", "long longer", "few fewer"],
        "can": ["can could", "will would", "may might", "shall should"],
    },
    "zh": {
        "possessive": ["他 他的", "她 她的", "我 我的", "你 你的", "它 它的", "我们 我们的", "他们 他们的"],
        "plural": ["我 我们", "他 他们", "你 你们", "她 她们", "人 人们"],
        "gender": ["他 她", "父亲 母亲", "男 女", "哥哥 姐姐", "爸爸 妈妈", "丈夫 妻子", "儿子 女儿", "男人 女人"],
        "number": ["一 二", "三 四", "五 六", "七 八"],
        "opposite": ["大 小", "多 少", "高 低", "上 下", "前 后", "好 坏", "长 短", "左 右", "开始 结束", "增加 减少", "输入 输出"],
        "negation": ["有 没有", "是 不是", "能 不能", "会 不会", "要 不要", "知道 不知道"],
        "place": ["中国 北京", "日本 东京", "法国 巴黎", "英国 伦敦"],
        "time": ["今天 明天", "今年 明年", "早上 晚上", "昨天 今天"],
        "this": ["这 那", "这个 那个", "这里 那里", "这些 那些", "这样 那样"],
    },
}
GROUPS = {
    "en": [["red", "blue", "green", "white", "black"], ["two", "three", "four", "five", "six"], ["he", "she", "they", "we"], ["man", "woman", "boy", "girl"], ["day", "week", "month", "year"],
           ["walked", "went", "stood", "ran"], ["France", "England", "Germany", "China", "India"], ["river", "lake", "sea", "mountain"], ["slowly", "quickly", "suddenly", "easily"], ["mother", "father", "brother", "sister"]],
    "zh": [["红", "蓝", "绿", "白", "黑"], ["二", "三", "四", "五", "六"], ["他", "她", "我", "你"], ["父亲", "母亲", "哥哥", "姐姐"], ["今天", "明天", "昨天"], ["春天", "夏天", "秋天", "冬天"],
           ["中国", "日本", "美国", "英国", "法国"], ["函数", "变量", "参数", "对象"], ["老师", "学生", "学校"], ["吃", "喝", "睡"], ["飞机", "火车", "汽车"],
           ["英国", "法国", "德国", "意大利"], ["英语", "法语", "汉语", "日语"], ["红色", "蓝色", "绿色", "黑色", "白色"], ["爸爸", "妈妈", "儿子", "女儿"], ["医生", "律师", "警察", "老师"], ["猫", "狗", "马", "羊", "鸟"],
           ["早上", "晚上", "下午", "上午"], ["昨晚", "今晚", "明天", "昨天"], ["美丽", "漂亮", "可爱"], ["高兴", "快乐", "幸福"], ["增加", "减少", "提高", "降低"], ["河", "湖", "海", "山"], ["米饭", "面条", "面包", "牛奶"], ["小时", "分钟", "秒"]],
}
# (token, two sentences of one meaning, one of another)
CONTEXTS = {
    "en": [
        ("apple", "She ate a red apple after lunch.", "He cut an apple into four parts.", "Shares of apple rose after the company showed a new phone."),
        ("spring", "The flowers come back in spring.", "In spring the days grow longer.", "The water of the spring was cold and clear."),
        ("light", "The light of the lamp was weak.", "A light burned in the window.", "The box was light and easy to carry."),
        ("right", "Turn to the right at the corner.", "He held it in his right hand.", "You are right, the answer is four."),
        ("left", "He held the sword in his left hand.", "The door is on the left side.", "She left the house before dawn."),
        ("back", "He lay on his back in the grass.", "She had a pain in her back.", "They came back to the house at night."),
        ("kind", "She was kind to the old man.", "He is a good and kind man.", "What kind of string does the function return?"),
        ("class", "The class extends another class.", "Each class has a constructor.", "The teacher spoke to the class of children."),
        ("mean", "I did not mean to hurt you.", "What do you mean by that?", "The mean of the numbers is five."),
        ("well", "He knew her very well.", "She sang well that night.", "They drew water from the well."),
        ("state", "The state of the object is saved.", "A component keeps its state.", "He was born in the state of New York."),
        ("return", "The function will return a number.", "If it fails, return false.", "He will return to his home in the evening."),
    ],
    "zh": [
        ("花", "春天到了，公园里的花开了。", "她在院子里种了很多花。", "为了学好数学，她花了很多时间。"),
        ("打", "他打了那个人一下。", "不要打孩子。", "他给妈妈打电话。"),
        ("面", "我中午吃了一碗面。", "他喜欢吃面。", "这本书有两面的内容。"),
        ("会", "他会说英语和法语。", "我会游泳。", "下午我们要开会讨论这个问题。"),
        ("长", "这条河很长。", "她的头发很长。", "他是这所学校的校长。"),
        ("行", "表格的第一行是标题。", "这个文件有一百行代码。", "你这样做不行。"),
        ("开", "请把门开一下。", "他开了窗户。", "他开车去北京。"),
        ("过", "他去过北京。", "我看过这本书。", "我们过马路要小心。"),
        ("对", "你说得对。", "这个答案是对的。", "他对我很好。"),
        ("数", "这个数比那个数大。", "返回一个整数或小数的数。", "请你数一数有多少人。"),
        ("上", "书在桌子上。", "他坐在椅子上。", "我早上去上学。"),
        ("点", "现在是三点。", "我们八点开始。", "图中的每个点都有坐标。"),
    ],
}


class Table:
    """The static table as the product compares it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        table = reader.model.model.embed_tokens.weight.detach().double()
        rows = table - table.mean(0)
        self.rows, self.units = rows, torch.nn.functional.normalize(rows, dim=-1)

    def token(self, word: str) -> int | None:
        """The product takes a word with a space before it, or as it is, whichever is fewer tokens; here: where one of them is one token."""
        return next((ids[0] for ids in (self.reader.ids(" " + word), self.reader.ids(word)) if len(ids) == 1), None)


def arithmetic(table: Table, language: str) -> dict[str, object]:
    """Sums over all pairs of pairs of each relation, both ways round."""
    tried, found = 0, []
    for relation, pairs in PAIRS[language].items():
        words = [pair.split() for pair in pairs]
        words = [pair for pair in words if all(table.token(word) is not None for word in pair)]
        for (b, a), (c, d) in itertools.permutations(words + [pair[::-1] for pair in words], 2):
            if {a, b} & {c, d} or [b, a] in words and [d, c] in words or [a, b] in words and [c, d] in words:
                continue
            tried += 1
            ids = [table.token(word) for word in (a, b, c, d)]
            vector = table.rows[ids[0]] - table.rows[ids[1]] + table.rows[ids[2]]
            cosines = table.units @ torch.nn.functional.normalize(vector, dim=0)
            cosines[ids[:3]] = -1
            best = cosines.topk(2)
            if best.indices[0].item() == ids[3]:
                found.append({"relation": relation, "words": [a, b, c], "nearest": d, "cosine": best.values[0].item(), "ahead": (best.values[0] - best.values[1]).item()})
    return {"tried": tried, "worked": len(found), "best": sorted(found, key=lambda one: -one["ahead"])[:12]}


def groups(table: Table, language: str) -> dict[str, object]:
    """Two groups of words that lie apart."""
    known = [[word for word in group if table.token(word) is not None] for group in GROUPS[language]]
    results = []
    for one, other in itertools.combinations([group[:4] for group in known if len(group) >= 3], 2):
        units = table.units[[table.token(word) for word in one + other]]
        cosines = units @ units.T
        inside = torch.block_diag(torch.ones(len(one), len(one)), torch.ones(len(other), len(other))).bool()
        within = cosines[inside & ~torch.eye(len(units)).bool()].min().item()
        across = cosines[~inside].max().item()
        results.append({"words": one + other, "least inside": within, "largest across": across, "ahead": within - across})
    return {"tried": len(results), "worked": sum(result["ahead"] > 0 for result in results), "best": sorted(results, key=lambda one: -one["ahead"])[:8]}


@torch.no_grad()
def places(reader: Reader, text: str) -> tuple[list[int], list[torch.Tensor]]:
    """Ids after BOS, and [T, D] after each block, before the final norm."""
    ids = [BOS, *reader.ids(text)]
    kept: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda _m, _a, out: kept.append((out[0] if isinstance(out, tuple) else out)[0].double())) for layer in reader.model.model.layers]
    reader.model(torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    return ids, kept


def cosines_by_block(reader: Reader, token: int, first: str, second: str) -> list[float] | None:
    (a, one), (b, other) = places(reader, first), places(reader, second)
    if token not in a or token not in b:
        return None
    result = []
    for x, y in zip(one, other, strict=True):
        centre = torch.cat([x[1:], y[1:]]).mean(0)
        result.append(torch.nn.functional.cosine_similarity(x[a.index(token)] - centre, y[b.index(token)] - centre, dim=0).item())
    return result


def contexts(reader: Reader, table: Table, language: str) -> dict[str, object]:
    """One token in two meanings, beside the same token in one."""
    results = []
    for word, first, same, other in CONTEXTS[language]:
        candidates = [ids[0] for ids in (reader.ids(" " + word), reader.ids(word)) if len(ids) == 1]
        for token in candidates:
            alike, apart = cosines_by_block(reader, token, first, same), cosines_by_block(reader, token, first, other)
            if alike is None or apart is None:
                continue
            results.append({"word": word, "texts": [first, other], "same meaning": same, "one meaning": alike, "two meanings": apart, "ahead": alike[-1] - apart[-1]})
    return {"tried": len(results), "worked": sum(result["ahead"] > 0 for result in results), "best": sorted(results, key=lambda one: -one["ahead"])[:8]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    reader = Reader(options.model)
    table = Table(reader)
    found = {language: {"arithmetic": arithmetic(table, language), "words": groups(table, language), "context": contexts(reader, table, language)} for language in PAIRS}
    rounded = json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 4))
    options.out.write_text(json.dumps(rounded, indent=1, ensure_ascii=False) + "\n", "utf8")


if __name__ == "__main__":
    main()
