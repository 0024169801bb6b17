// The slider over the heat map; switching it on and off needs no script.

export function showHeatMap(figure) {
  const overlay = figure.querySelector('.heat-map');
  const slider = figure.closest('figure').querySelector('[data-opacity]');
  const apply = () => { overlay.style.opacity = String(Number(slider.value) / 100); };
  slider.closest('label').hidden = false;
  slider.addEventListener('input', apply);
  apply();
}
