// A script of its own, which loadPlots.ts loads when the page first has time for it or draws a figure: Plotly is four fifths of the
// page's code, and neither tokens nor their numbers need it.
import Plotly from 'plotly.js/lib/core';
import bar from 'plotly.js/lib/bar';
import heatmap from 'plotly.js/lib/heatmap';

Plotly.register([heatmap, bar]);
globalThis.plots = Plotly;
