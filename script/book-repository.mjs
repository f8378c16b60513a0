// A preprocessor of mdBook (https://rust-lang.github.io/mdBook/for_developers/preprocessors.html): the Markdown files of the
// repository that pages of docs/ link to become pages of the book, in a part at its end, and links lead there. What else a
// page links to outside of docs/ is no part of the book: there the text stays, without a link.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const docs = "docs";

// packages/page/README.md is repository/packages/page.md.
const named = (file) => `repository/${file.toLowerCase().replace(/\/readme\.md$/, ".md")}`;
const isPage = (file) => file.endsWith(".md") && fs.existsSync(path.join(root, file));

// Blocks and spans of code stay what they are.
const parts = /(^(?:```|~~~)[^]*?^(?:```|~~~)|`[^`\n]*`)|(!?)\[([^\]]*)\]\(([^)\s]+)\)/gm;

// The text with its links as the book has them, and the files of the repository that it links to. `file` is where the page
// lies in the repository, `place` where in the book.
function linked(text, file, place) {
  const found = [];
  const changed = text.replace(parts, (all, code, image, words, link) => {
    if (code !== undefined || /^[a-z]+:/.test(link) || link.startsWith("#")) return all;
    const [to, anchor = ""] = link.split(/(?=#)/);
    const target = path.posix.join(path.posix.dirname(file), to);
    let inBook;
    if (target === `${docs}/SUMMARY.md`) {
      // The contents are beside every page.
      inBook = "introduction.md";
    } else if (target.startsWith(`${docs}/`)) {
      inBook = path.posix.relative(docs, target);
    } else if (isPage(target)) {
      found.push(target);
      inBook = named(target);
    } else {
      return image === "!" ? all : words;
    }
    return `${image}[${words}](${path.posix.relative(path.posix.dirname(place), inBook)}${anchor})`;
  });
  return [changed, found];
}

function* chaptersOf(items) {
  for (const { Chapter: chapter } of items) {
    if (chapter === undefined) continue;
    yield chapter;
    yield* chaptersOf(chapter.sub_items);
  }
}

function withRepository(book) {
  const wanted = new Set();
  for (const chapter of chaptersOf(book.items)) {
    if (chapter.source_path === null) continue;
    const [text, found] = linked(chapter.content, path.posix.join(docs, chapter.source_path), chapter.path);
    chapter.content = text;
    for (const file of found) wanted.add(file);
  }
  const pages = new Map();
  // A set goes on with what is added to it meanwhile.
  for (const file of wanted) {
    const [text, found] = linked(fs.readFileSync(path.join(root, file), "utf8"), file, named(file));
    for (const other of found) wanted.add(other);
    pages.set(file, text);
  }
  if (pages.size > 0) book.items.push({ PartTitle: "Repository" });
  for (const [file, content] of [...pages].sort(([a], [b]) => (a < b ? -1 : 1))) {
    book.items.push({
      Chapter: {
        name: file,
        content,
        number: null,
        sub_items: [],
        path: named(file),
        source_path: null,
        parent_names: [],
      },
    });
  }
  return book;
}

// mdBook asks which renderers are supported: all.
if (process.argv[2] !== "supports") {
  const [, book] = JSON.parse(fs.readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(withRepository(book)));
}
