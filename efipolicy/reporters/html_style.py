"""How the page of a report looks; its colours are those of the pictures.

Inputs out of sight are not laid out: a page of 200 inputs is there in a quarter of the time.
"""

from __future__ import annotations

from efipolicy.drawing.stylesheet import page_stylesheet

_PAGE = """\
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;background:var(--ep-bg);color:var(--ep-ink);
font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif}
main{max-width:66rem;margin:0 auto;padding:1.5rem 1.5rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;line-height:1.3;margin:2.5rem 0 .5rem;padding-top:1rem;
border-top:1px solid var(--ep-rule);overflow-wrap:anywhere}
h3{font-size:1rem;line-height:1.4;margin:0;overflow-wrap:anywhere}
h3.part{margin:1.2rem 0 .4rem}
p{margin:.4rem 0;max-width:60rem;overflow-wrap:anywhere}
a{color:var(--ep-link)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--ep-link);
outline-offset:2px}
code,pre{font-family:ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',
monospace;font-size:.875em;font-variant-ligatures:none}
h1 code,h2 code{font-size:.95em;font-weight:600}
pre{margin:.6rem 0;padding:.6rem .8rem;overflow-x:auto;background:var(--ep-faint);
border-radius:.3rem;font-size:.8rem;line-height:1.45}
pre code{font-size:inherit;direction:ltr;unicode-bidi:bidi-override;tab-size:8}
pre .here{color:var(--ep-error);font-weight:700}
.warning pre .here{color:var(--ep-warning)}
.info pre .here,.accepted pre .here{color:var(--ep-info)}
pre .aside,.told,.facts,caption,footer{color:var(--ep-mut)}
.outcome code{white-space:nowrap}
.told,.facts{font-size:.9rem}
.shape{width:1.05em;height:1.05em;vertical-align:-.15em;margin-right:.35em}
.shape .ground{fill:currentColor}
.shape .sign{fill:none;stroke:var(--ep-bg);stroke-width:1.6;stroke-linecap:round;
stroke-linejoin:round}
.error>.shape,.shape.error{color:var(--ep-error)}
.warning>.shape,.shape.warning,.shape.incomplete{color:var(--ep-warning)}
.info>.shape,.shape.info{color:var(--ep-info)}
.shape.clean{color:var(--ep-ok)}
.severity{font-weight:600;white-space:nowrap}
.severity.error{color:var(--ep-error)}
.severity.warning{color:var(--ep-warning)}
.severity.info{color:var(--ep-info)}
article{margin:1rem 0;padding:.7rem 0 .2rem .9rem;border-left:4px solid var(--ep-rule)}
article.error{border-left-color:var(--ep-error)}
article.warning{border-left-color:var(--ep-warning)}
article.info{border-left-color:var(--ep-info)}
article.accepted{border-left:4px dashed var(--ep-mut)}
article:target,tr:target>*{background:var(--ep-hov)}
article dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.6rem 0;
font-size:.9rem}
article dt{color:var(--ep-mut)}
article dd{margin:0;overflow-wrap:anywhere}
.where{font-size:.85rem;color:var(--ep-mut)}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.85rem}
caption{text-align:left;padding:.2rem 0;font-size:.85rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;
border-bottom:1px solid var(--ep-rule)}
thead th{color:var(--ep-mut);font-weight:500;white-space:nowrap}
tbody th{font-weight:400}
table.inputs th[scope=row]{min-width:12rem;overflow-wrap:anywhere}
table.inputs td:last-child{min-width:16rem}
table.inputs td{font-variant-numeric:tabular-nums}
table.gaps th[scope=row]{min-width:10rem}
table.gaps td:nth-child(2){min-width:18rem}
table.regions{font-size:.78rem}
table.regions td:nth-child(3),table.regions td:nth-child(4){white-space:nowrap}
table.regions td:nth-child(5){text-align:right}
summary{cursor:pointer;margin:.6rem 0;font-weight:500}
details ul{margin:.3rem 0;padding-left:1.3rem}
li{overflow-wrap:anywhere}
footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--ep-rule);font-size:.85rem}
@media screen{
article{content-visibility:auto;contain-intrinsic-size:auto 14rem}
section[id^=i-]{content-visibility:auto;contain-intrinsic-size:auto 2000px;
margin-inline:-.4rem;padding-inline:.4rem}
}
@media (max-width:40rem){
main{padding:1rem .9rem 3rem}
h1{font-size:1.3rem}h2{font-size:1.1rem}
article dl{grid-template-columns:1fr;gap:0}
article dd{margin-bottom:.35rem}
}
@page{margin:15mm}
@media print{
:root{color-scheme:light}
main{max-width:none;padding:0}
body{font-size:11pt}
pre{white-space:pre-wrap;font-size:6.5pt;border:1px solid var(--ep-rule);background:none}
.scroll{overflow:visible}
details::details-content{content-visibility:visible;block-size:auto}
summary{list-style:none}
article,pre,tr{break-inside:avoid}
h2,h3{break-after:avoid}
a{color:inherit}
}
@media (forced-colors:active){.shape .ground{fill:CanvasText}.shape .sign{stroke:Canvas}}
"""


def stylesheet() -> str:
    """Everything a report needs, pictures included; it loads nothing."""
    return page_stylesheet() + _PAGE
