// What the page says, in English and Chinese.

export const SAY = {
  en: {
    try: "Try the model", text: "Text", pair: "Second text", classify: "Classify", keys: "or Ctrl + Enter",
    working: "Working…", result: "Answer", none: "no label", unsure: "The model is not sure enough: it does not accept this answer.", accepted: "Accepted", yes: "yes", no: "no", probabilities: "Probabilities",
    choose: "Choose a label to see the words for and against it.", more: "and {0} more",
    words: "Words for and against “{0}”", for: "for it", against: "against it",
    top: "Words that mattered most",
    note: "Log-odds of the label: {0}, {1} with every word masked; the words add up to the difference.",
    missed: "They miss it by {0}.", noWords: "No words were read.",
    cut: "The model read {0} of {1} tokens; the rest of the text is too long for it and did not count.",
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
    encoding: "The file is not UTF-8. It can be read as {0}. Choose where your text looks right, or save the file as UTF-8.",
    notUtf8: "The file is not UTF-8, first in line {0}. Mend it, or save the file as UTF-8.",
    binary: "The file is no text. Save a table as CSV UTF-8; unpack an archive.",
    lost: "In row {0} stands �: characters were lost there before. The answers may be wrong.",
    column: "Texts are in “{0}”", twice: "Two columns are named “{0}”. Rename one.",
    width: "Line {0}: has {1} cells, the header has {2}.",
    afterQuote: "Row {0}: something follows a closing quotation mark. Within a text it must be doubled.",
  },
  zh: {
    try: "试用模型", text: "文本", pair: "第二个文本", classify: "分类", keys: "或按 Ctrl + Enter",
    working: "处理中…", result: "结果", none: "无标签", unsure: "模型把握不足，不采纳这个结果。", accepted: "采纳", yes: "是", no: "否", probabilities: "概率",
    choose: "点选一个标签，查看支持和反对它的词。", more: "另有 {0} 个",
    words: "支持和反对“{0}”的词", for: "支持", against: "反对",
    top: "影响最大的词",
    note: "该标签的对数几率为 {0}，遮住所有词时为 {1}；各词的影响相加等于两者之差。",
    missed: "误差为 {0}。", noWords: "没有读到词。",
    cut: "文本共 {1} 个词元（token），超出模型的长度上限，模型只读了其中 {0} 个，其余未参与判断。",
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
    encoding: "文件不是 UTF-8 编码，可以按 {0} 读取。请选择文字显示正确的一项，或将文件另存为 UTF-8。",
    notUtf8: "文件不是 UTF-8 编码，首先出错的行：{0}。请改正，或将文件另存为 UTF-8。",
    binary: "该文件不是文本。表格请另存为 CSV UTF-8，压缩包请先解压。",
    lost: "第 {0} 行含有 �：此处的字符早已丢失，结果可能不准。",
    column: "文本在“{0}”列", twice: "有两列都叫“{0}”，请改名。",
    width: "第 {0} 行有 {1} 个单元格，表头有 {2} 个。",
    afterQuote: "第 {0} 条：结束引号之后还有内容。文本中的引号须写成两个。",
  },
};

export let language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
}

export function say(key, ...values) {
  return SAY[language][key].replace(/\{(\d)\}/g, (_, place) => values[place]);
}
