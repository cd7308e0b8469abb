/** Style sheet of the report: light and dark by the reader's system, one column on a phone. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--page:#f6f6f4;--card:#fff;--ink:#1d2126;--muted:#5d6570;--rule:#e1e2df;--good:#1f7a4d;--bad:#b3363f;
--c1:#2563a8;--c2:#c2601a;--c3:#2e8357;--c4:#8a4fa3;--c5:#b23a48;--c6:#5f6b7a}
@media (prefers-color-scheme:dark){:root{--page:#14161a;--card:#1d2025;--ink:#e7e9ec;--muted:#a0a7b1;--rule:#343941;--good:#67c795;--bad:#f0868d;
--c1:#6fabea;--c2:#f0a25c;--c3:#63c192;--c4:#c894e2;--c5:#ef828b;--c6:#a9b4c2}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.6rem;line-height:1.25;margin:0}
h2{font-size:1.12rem;margin:38px 0 12px}
.subtitle{margin:4px 0 0;color:var(--muted)}
nav{margin:18px 0 0;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.9rem}
a{color:var(--c1)}
.note{margin:-4px 0 12px;color:var(--muted);font-size:.9rem;max-width:75ch}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,160px),1fr));gap:10px;margin:0}
.facts div{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 12px}
.facts dt{color:var(--muted);font-size:.82rem}
.facts dd{margin:2px 0 0;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--rule);border-radius:8px;font-size:.92rem}
th,td{padding:7px 12px;text-align:left;border-top:1px solid var(--rule);vertical-align:top;overflow-wrap:break-word;max-width:min(26rem,34vw)}
th:first-child,td:first-child{min-width:7rem}
thead th{border-top:0;color:var(--muted);font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums}
td.number{white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:14px}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 12px 8px;min-width:0}
.charts figure:only-child{grid-column:1/-1;width:100%;max-width:420px}
figcaption{font-weight:600;font-size:.92rem;margin-bottom:4px}
figure svg{display:block;width:100%;height:auto}
figure svg text{font-family:inherit!important}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.82rem;color:var(--muted);margin-bottom:2px}
.legend span::before,.phase-list dt::before{content:"";display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px;background:var(--tone)}
.legend .dashed::before{background:repeating-linear-gradient(90deg,var(--tone) 0 4px,transparent 4px 6px)}
.phase-bar{display:flex;height:26px;border-radius:6px;overflow:hidden;gap:2px}
.phase-bar div{background:var(--tone);min-width:2px}
.phase-list{display:flex;flex-wrap:wrap;gap:4px 22px;margin:10px 0 0;font-size:.9rem}
.phase-list div{display:flex;gap:8px}
.phase-list dd{margin:0;color:var(--muted);font-variant-numeric:tabular-nums}
.examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:14px;align-items:start}
article{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;min-width:0}
article header{display:flex;flex-wrap:wrap;gap:6px;align-items:center;font-size:.82rem}
.chip{border:1px solid var(--rule);border-radius:99px;padding:1px 9px;font-variant-numeric:tabular-nums}
.chip.good{border-color:var(--good);color:var(--good)}
.chip.bad{border-color:var(--bad);color:var(--bad)}
.reward{font-weight:700;font-size:.95rem;margin-right:4px}
pre{margin:8px 0 0;padding:9px 11px;background:var(--page);border-radius:6px;white-space:pre-wrap;font:.84rem/1.45 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;max-height:20rem;overflow-y:auto}
pre.prompt{color:var(--muted);max-height:10rem}
article footer{margin-top:8px;font-size:.8rem;color:var(--muted)}
details{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 14px}
summary{cursor:pointer}
details pre{max-height:none}
.fold table{margin-top:10px}
.filter:not([hidden]){display:flex;flex-wrap:wrap;gap:8px 18px;align-items:center;margin-bottom:12px;font-size:.9rem}
.filter select,.filter input{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--muted);border-radius:6px;padding:3px 8px;max-width:100%}
.filter output{color:var(--muted);font-variant-numeric:tabular-nums}
.browser details{margin-top:6px;padding:0}
.browser summary{display:flex;align-items:center;gap:8px;padding:7px 12px;font-size:.88rem}
.browser summary::before{content:"▸";color:var(--muted)}
.browser [open]>summary::before{content:"▾"}
.browser summary>*{flex:none}
.browser summary b{max-width:12rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.browser summary .line{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--muted)}
.asked{padding:0 14px 10px}
.asked footer{margin-top:6px;font-size:.84rem;font-weight:600}
.browser article{border-width:1px 0 0;border-radius:0}
@media (max-width:900px){thead th{overflow-wrap:anywhere}
table.wide,table.wide tbody,table.wide tr,table.wide td{display:block}
table.wide thead{display:none}
table.wide tr{border-top:1px solid var(--rule);padding:8px 0}
table.wide tr:first-child{border-top:0}
table.wide td{display:flex;justify-content:space-between;gap:16px;border:0;padding:2px 12px;text-align:right;white-space:normal;max-width:none;overflow-wrap:anywhere}
table.wide td:empty{display:none}
table.wide td:first-child{font-weight:600;text-align:left}
table.wide td::before{content:attr(data-label);color:var(--muted);font-weight:400;text-align:left}
table.wide td:first-child::before{content:none}}
@media (max-width:600px){main{padding:20px 14px 40px}
.browser summary{flex-wrap:wrap}
.browser summary .line{flex:1 0 100%}}
`.trim();
