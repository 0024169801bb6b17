"""A wall of every way in which a page shows a picture: one photograph of its own behind each.

Photographs are cut from those of the scikit-image wheel, so that each looks like none of the others.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.browsers.site import Web
from benchmarks.photographs import Rgb, at_megapixels, from_wheel

SIDE = 420


@dataclass(frozen=True)
class Kind:
    """One way to show a picture; ``html`` may use {url}, {cross}, {data}, {small} and {name}."""

    name: str
    html: str


KINDS = (
    Kind("webgl", '<canvas id="{name}" data-webgl="{url}"></canvas>'),
    Kind("img", '<img id="{name}" src="{url}">'),
    Kind("img-cross-origin", '<img id="{name}" src="{cross}">'),
    Kind("srcset", '<img id="{name}" srcset="{url} 1x, {url}?2 2x" src="{small}">'),
    Kind("picture", '<picture><source srcset="{url}"><img id="{name}" src="{small}"></picture>'),
    Kind("object-fit", '<img id="{name}" src="{cross}" style="object-fit: cover; width: 220px; height: 90px">'),
    Kind("lazy", '<div style="height: 90px"></div><img id="{name}" loading="lazy" src="{url}">'),
    Kind("data-src", '<img id="{name}" src="{small}" data-src="{url}">'),
    Kind("data-url", '<img id="{name}" src="{data}">'),
    Kind("blob", '<img id="{name}" data-blob="{url}">'),
    Kind("css-background", '<div id="{name}" style="background: url({cross}) center / cover"></div>'),
    Kind("css-before", '<div id="{name}" class="before" style="--picture: url({url})"></div>'),
    Kind("canvas", '<canvas id="{name}" data-draw="{url}"></canvas>'),
    Kind("canvas-tainted", '<canvas id="{name}" data-draw="{cross}"></canvas>'),
    Kind("svg-image", '<svg id="{name}" viewBox="0 0 100 75"><image href="{url}" width="100" height="75"/></svg>'),
    Kind("input-image", '<input id="{name}" type="image" src="{url}">'),
    Kind("object", '<object id="{name}" data="{url}" type="image/jpeg"></object>'),
    Kind("shadow-open", '<div id="{name}" data-shadow="open" data-url="{url}"></div>'),
    Kind("shadow-closed", '<div id="{name}" data-shadow="closed" data-url="{cross}"></div>'),
    Kind("iframe-same-origin", '<iframe id="{name}" src="/frame-{name}.html"></iframe>'),
    Kind("iframe-srcdoc", '<iframe id="{name}" srcdoc="<img width=200 src={url}>"></iframe>'),
    Kind("covered", '<div class="stack"><img id="{name}" src="{cross}"><div class="glass"></div></div>'),
    Kind("video-poster", '<video id="{name}" poster="{url}"></video>'),
)

STYLE = """
  body { margin: 12px; display: flex; flex-wrap: wrap; gap: 10px; font: 14px sans-serif; background: #eee; }
  figure { margin: 0; width: 230px; height: 190px; overflow: hidden; background: #fff; }
  figcaption { height: 18px; }
  img, canvas, svg, object, input, video, iframe, .before, figure > div { width: 220px; height: 160px; border: 0; }
  .before::before { content: ""; display: block; width: 100%; height: 100%; }
  .before::before { background: var(--picture) 0 0 / 100% 100%; }
  .stack { position: relative; } .glass { position: absolute; inset: 0; background: rgb(255 255 255 / .02); }
"""

SCRIPT = """
  const load = (url) => new Promise((done) => { const i = new Image(); i.onload = () => done(i); i.src = url; });
  const jobs = [];
  for (const at of document.querySelectorAll('[data-blob]')) jobs.push((async () => {
    const url = URL.createObjectURL(await (await fetch(at.dataset.blob)).blob());
    at.removeAttribute('data-blob'); at.src = url; await at.decode(); URL.revokeObjectURL(url);
  })());
  for (const at of document.querySelectorAll('[data-draw]')) jobs.push((async () => {
    const image = await load(at.dataset.draw);
    at.width = image.width; at.height = image.height; at.getContext('2d').drawImage(image, 0, 0);
  })());
  for (const at of document.querySelectorAll('[data-webgl]')) jobs.push((async () => {
    const image = await load(at.dataset.webgl);
    at.width = image.width; at.height = image.height;
    const gl = at.getContext('webgl', { preserveDrawingBuffer: false });
    if (!gl) return;
    const shader = (kind, text) => {
      const s = gl.createShader(kind); gl.shaderSource(s, text); gl.compileShader(s); return s;
    };
    const program = gl.createProgram();
    gl.attachShader(program, shader(gl.VERTEX_SHADER,
      'attribute vec2 p; varying vec2 t; void main() { t = p * vec2(.5, -.5) + .5; gl_Position = vec4(p, 0, 1); }'));
    gl.attachShader(program, shader(gl.FRAGMENT_SHADER,
      'precision mediump float; varying vec2 t; uniform sampler2D s; void main() { gl_FragColor = texture2D(s, t); }'));
    gl.linkProgram(program); gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0); gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
    for (const k of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, k, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  })());
  for (const at of document.querySelectorAll('[data-shadow]')) {
    const image = document.createElement('img'); image.src = at.dataset.url; image.style.width = '220px';
    at.attachShadow({ mode: at.dataset.shadow }).append(image); jobs.push(image.decode());
  }
  Promise.allSettled(jobs).then(() => { document.body.dataset.ready = 'yes'; });
"""


def photographs(count: int) -> list[Rgb]:
    """Cut pictures that have nothing in common out of the wheel's photographs, two of each and then more."""
    made: list[Rgb] = []
    wheel = [rgb for name, rgb in from_wheel().items() if name != "hubble"]
    turn = 0
    while len(made) < count:
        for rgb in wheel:
            height, width = rgb.shape[:2]
            top, left = ((turn * 7) % 5 * height // 9, (turn * 3) % 4 * width // 7)
            cut = rgb[top : top + height * 5 // 9, left : left + width * 4 // 7]
            turned = np.ascontiguousarray(cut[:, :: -1 if turn % 2 else 1])
            made.append(at_megapixels(turned, 0.3) if turned.shape[1] < SIDE else turned)
        turn += 1
    return made[:count]


def jpeg(rgb: Rgb, quality: int = 92) -> bytes:
    """Encode a picture as a site would."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality)
    return out.getvalue()


def put_wall(web: Web, pictures: dict[str, bytes], *, policy: str = "", script: bool = True) -> str:
    """Put the wall up, one picture per kind; returns its address."""
    dot = io.BytesIO()
    Image.new("RGB", (1, 1), (200, 200, 200)).save(dot, "PNG")
    small = f"data:image/png;base64,{base64.b64encode(dot.getvalue()).decode()}"
    figures = []
    for kind in KINDS:
        data = pictures[kind.name]
        url = web.put(f"/{kind.name}.jpg", data, "image/jpeg")
        cross = web.put(f"/{kind.name}.jpg", data, "image/jpeg", host="cdn.test")
        web.put(f"/frame-{kind.name}.html", f"<body style='margin:0'><img width=200 src={json.dumps(url)}>")
        html = kind.html.format(
            name=kind.name,
            url=url.replace(web.url(""), ""),
            cross=cross,
            small=small,
            data=f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if "{data}" in kind.html else "",
        )
        figures.append(f"<figure><figcaption>{kind.name}</figcaption>{html}</figure>")
    page = f"<!doctype html><title>A wall</title><style>{STYLE}</style>{''.join(figures)}"
    page += f"<script>{SCRIPT}</script>" if script else ""
    return web.put("/wall.html", page, **({"Content_Security_Policy": policy} if policy else {}))
