// What the page says, in English and Chinese.

export const SAY = {
  en: {
    try: "Try the model", text: "Text", pair: "Second text", classify: "Classify", keys: "or Ctrl + Enter",
    working: "Working…", result: "Answer", none: "no label", probabilities: "Probabilities",
    choose: "Choose a label to see the words for and against it.", more: "and {0} more",
    words: "Words for and against “{0}”", for: "for it", against: "against it",
    top: "Words that mattered most",
    note: "Log-odds of the label: {0}, {1} with every word masked; the words add up to the difference.",
    missed: "They miss it by {0}.", noWords: "No words were read.",
    file: "Classify a file", fileText: "A .txt file with a text in each line, or .csv, .tsv or .jsonl with a column “text”.",
    filePair: "A .txt file with two texts in each line and a tab between them, or .csv, .tsv or .jsonl with columns “text” and “pair”.",
    pick: "Choose a file", drop: "or drop one here", cancel: "Stop", download: "Download CSV", progress: "{0} of {1}", rows: "{0} rows", first: "The first {0} are shown.",
    probability: "Probability", label: "Label",
    privacy: "Texts go to this server and nowhere else; files are read in your browser.",
    unreachable: "The server cannot be reached.", answered: "The server answered {0}: {1}",
    noExplanation: "No explanation. {0}", empty: "The file holds no rows.",
    noColumn: "The file has no column “{0}”. Its columns: {1}", noText: "Line {0}: is not JSON with a string “{1}”.",
    noTab: "Line {0}: has no tab between two texts.", quote: "A quotation mark is never closed.",
    kind: "Choose a .txt, .csv, .tsv or .jsonl file.",
  },
  zh: {
    try: "试用模型", text: "文本", pair: "第二个文本", classify: "分类", keys: "或按 Ctrl + Enter",
    working: "处理中…", result: "结果", none: "无标签", probabilities: "概率",
    choose: "点选一个标签，查看支持和反对它的词。", more: "另有 {0} 个",
    words: "支持和反对“{0}”的词", for: "支持", against: "反对",
    top: "影响最大的词",
    note: "该标签的对数几率为 {0}，遮住所有词时为 {1}；各词的影响相加等于两者之差。",
    missed: "误差为 {0}。", noWords: "没有读到词。",
    file: "批量分类", fileText: "上传 .txt 文件（每行一条文本），或含 “text” 列的 .csv、.tsv、.jsonl 文件。",
    filePair: "上传 .txt 文件（每行两条文本，以制表符分隔），或含 “text” 和 “pair” 列的 .csv、.tsv、.jsonl 文件。",
    pick: "选择文件", drop: "或拖放到这里", cancel: "停止", download: "下载 CSV", progress: "{0} / {1}", rows: "共 {0} 行", first: "仅显示前 {0} 行。",
    probability: "概率", label: "标签",
    privacy: "文本只发送到本服务器；文件在浏览器中读取。",
    unreachable: "无法连接服务器。", answered: "服务器返回 {0}：{1}",
    noExplanation: "无法解释。{0}", empty: "文件中没有数据。",
    noColumn: "文件中没有 “{0}” 列。现有的列：{1}", noText: "第 {0} 行：不是含字符串 “{1}” 的 JSON。",
    noTab: "第 {0} 行：两条文本之间没有制表符。", quote: "有引号没有闭合。",
    kind: "请选择 .txt、.csv、.tsv 或 .jsonl 文件。",
  },
};

export let language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
}

export function say(key, ...values) {
  return SAY[language][key].replace(/\{(\d)\}/g, (_, place) => values[place]);
}
