/// How reports look, and what makes their charts tell values.
enum ReportStyle {
  /// A page around its content: one file that needs no other.
  static func page(title: String, _ content: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(title)</title>
    <style>
    \(css)
    </style>
    </head>
    <body>
    \(content)
    <script>
    \(script)
    </script>
    </body>
    </html>

    """
  }

  /// A table in a box that scrolls; keyboards reach it.
  static func table(_ label: String, head: [String], rows: [[String]]) -> String {
    let head = head.map { "<th scope=\"col\">\($0)</th>" }.joined()
    let lines = rows.map { row in
      "<tr>" + row.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="\(label)">
      <table>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(lines.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      """
  }

  private static let css = """
    :root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --page: #ffffff;
      --card: #f6f8fa; --series-1: #0072b2; --series-2: #c04f00; --series-3: #00805c; --series-4: #b0528d;
      --series-5: #9a6700; --series-6: #2a7fb8; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
      --page: #0d1117; --card: #161b22; --series-1: #56b4e9; --series-2: #f0883e; --series-3: #3fb68b;
      --series-4: #e39cc8; --series-5: #e3b341; --series-6: #a5c8f2; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 1200px; padding: 1.5rem 1rem 3rem; background: var(--page);
      color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
    h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; } h2 { margin: 2rem 0 .6rem; font-size: 1.2rem; }
    header p { margin: .2rem 0 1rem; color: var(--soft); }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; }
    .tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem;
      min-width: 0; overflow-wrap: anywhere; }
    .tiles b { display: block; font-size: 1.25rem; } .tiles span { color: var(--soft); font-size: .85rem; }
    .reason { border-left: 4px solid var(--series-2); padding: .2rem .8rem; margin: 1rem 0; }
    .reason pre { margin: .4rem 0; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 1rem 0; }
    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
      gap: 1rem; margin-top: 1rem; }
    figure { margin: 0; padding: .8rem; border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
    figure:focus-visible, .scroll:focus-visible { outline: 2px solid var(--series-1); }
    figcaption { font-weight: 600; overflow-wrap: anywhere; }
    output { display: block; min-height: 1.3rem; font-size: .8rem; line-height: 1.3rem; color: var(--soft);
      font-variant-numeric: tabular-nums; }
    figure > svg { display: block; width: 100%; height: auto; touch-action: pan-y; }
    .rule { stroke: var(--soft); stroke-width: 1; }
    .legend { margin: .3rem 0 0; font-size: .85rem; color: var(--soft); }
    .legend > span { display: inline-block; margin-right: 1em; }
    .key { display: inline-block; width: 2em; height: .4em; margin: 0 .4em .2em 0; vertical-align: middle; }
    .key svg { display: block; width: 100%; height: 100%; }
    .key.band { background: var(--series-1); opacity: .35; height: .8em; }
    .ramp { width: 6em; height: .8em; vertical-align: middle;
      background: linear-gradient(to right, transparent, var(--series-1)); border: 1px solid var(--line); }
    .scroll { overflow: auto; max-height: 34rem; border: 1px solid var(--line); border-radius: 8px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .85rem; }
    th { position: sticky; top: 0; background: var(--card); font-weight: 600; }
    th, td { padding: .3rem .55rem; text-align: right; border-bottom: 1px solid var(--line); }
    td { white-space: nowrap; } th:first-child, td:first-child { text-align: left; }
    pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem;
      overflow: auto; font-size: .85rem; }
    @media (max-width: 40rem) { figure > svg text { font-size: 17px; } dl { grid-template-columns: 1fr; }
      dd { margin-bottom: .4rem; } }
    @media print { .scroll { max-height: none; overflow: visible; } figure { break-inside: avoid; } }
    li { overflow-wrap: anywhere; }
    """

  /// Shows the values at a place of a chart, where one points or where arrow keys have gone.
  private static let script = """
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      const chart = JSON.parse(figure.dataset.chart), svg = figure.querySelector("svg");
      const first = chart.x[0], span = chart.x[chart.x.length - 1] - first || 1;
      const rule = document.createElementNS(svg.namespaceURI, "line");
      let at = chart.x.length;
      const show = () => {
        const x = chart.left + (chart.right - chart.left) * (chart.x[at] - first) / span;
        const ends = {class: "rule", x1: x, x2: x, y1: chart.top, y2: chart.bottom};
        for (const name in ends) rule.setAttribute(name, ends[name]);
        svg.append(rule);
        const values = chart.lines.filter(line => line[1][at] !== null).map(line => line[0] + " " + line[1][at]);
        figure.querySelector("output").textContent = chart.place + " " + chart.x[at] + ": " + values.join(", ");
      };
      svg.addEventListener("pointermove", event => {
        const box = svg.getBoundingClientRect();
        const place = (event.clientX - box.left) / box.width * chart.width;
        const x = first + (place - chart.left) / (chart.right - chart.left) * span;
        at = 0;
        chart.x.forEach((value, index) => { if (Math.abs(chart.x[at] - x) > Math.abs(value - x)) at = index; });
        show();
      });
      figure.addEventListener("keydown", event => {
        const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
        if (!step) return;
        event.preventDefault();
        at = Math.max(0, Math.min(chart.x.length - 1, at + step));
        show();
      });
    }
    """
}
